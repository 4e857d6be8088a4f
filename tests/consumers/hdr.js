// Reads a log with hdr-histogram-js, and says where the reports of the same run differ: then exit 1.
//   hdr.js LOG JSON TEXT      NODE_PATH=the folder that has hdr-histogram-js
const fs = require("fs");
const { HistogramLogReader, build } = require("hdr-histogram-js");

const [log, json, text] = process.argv.slice(2).map((path) => fs.readFileSync(path, "utf8"));
const shape = { lowestDiscernibleValue: 1, highestTrackableValue: 3600e9, numberOfSignificantValueDigits: 3, bitBucketSize: 64 };
const whole = build(shape);
const reader = new HistogramLogReader(log);
for (let one = reader.nextIntervalHistogram(); one !== null; one = reader.nextIntervalHistogram()) whole.add(one);

const said = JSON.parse(json).latency_us;
const line = text.split("\n").find((words) => words.startsWith("  latency "));
const units = { us: 1, ms: 1e3, s: 1e6 };
const words = [...line.matchAll(/(p[\d.]+|max) ([\d.]+) (us|ms|s)/g)];
const inText = Object.fromEntries(words.map(([, name, number, unit]) => [name, number * units[unit]]));

let differences = 0;
const compare = (what, is, told, tolerance) => {
  if (!(Math.abs(is - told) <= tolerance)) console.log(`${what}: the log has ${is}, the report ${told} (${++differences})`);
};
compare("replies", whole.totalCount, said.count, 0);
for (const [name, percent] of [["p50", 50], ["p90", 90], ["p99", 99], ["p99.9", 99.9]]) {
  const us = Math.min(whole.getValueAtPercentile(percent) / 1000, said.max);
  compare(`${name} of the JSON`, us, said[name.replace(".", "_")], 0.001); // a nanosecond
  compare(`${name} of the text`, us, inText[name], us * 0.0051); // three digits
}
process.exit(differences > 0 ? 1 : 0);
