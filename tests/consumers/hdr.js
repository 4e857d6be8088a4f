// Prints what hdr-histogram-js finds in a log: the count and some percentiles, in nanoseconds.
//   hdr.js FILE      NODE_PATH=the folder that has hdr-histogram-js
const fs = require("fs");
const { HistogramLogReader, build } = require("hdr-histogram-js");

const reader = new HistogramLogReader(fs.readFileSync(process.argv[2], "utf8"));
const whole = build({ lowestDiscernibleValue: 1, highestTrackableValue: 3600e9, numberOfSignificantValueDigits: 3, bitBucketSize: 64 });
let lines = 0;
for (let one = reader.nextIntervalHistogram(); one !== null; one = reader.nextIntervalHistogram()) {
  whole.add(one);
  lines++;
}
const at = (percent) => whole.getValueAtPercentile(percent);
console.log(JSON.stringify({ lines, count: whole.totalCount, p50: at(50), p90: at(90), p99: at(99), p99_9: at(99.9) }));
