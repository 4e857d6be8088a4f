"""What is shipped beside the programs: man pages, completion in bash, staged install, examples, the doctor's findings."""

import json
import os
import pathlib
import re
import subprocess

from support import BUILD, DEADLINE_S, LOADTOOL, SERVER, TOP, TestCase, free_port

PACKAGE = BUILD / "package"
MANUALS = {SERVER: PACKAGE / "prefork-upper.8", LOADTOOL: PACKAGE / "loadtool.1"}


def run(*command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=DEADLINE_S, **options)


class Manuals(TestCase):
    def show(self, page):
        """As a terminal shows it, without overstriking; roff has nothing to complain about."""
        result = run("groff", "-wall", "-man", "-Tascii", "-P-cbou", "-rLL=100n", page)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def test_pages__have_every_option_of_help(self):
        for program, page in MANUALS.items():
            with self.subTest(program.name):
                in_help = set(re.findall(r"^ +(?:-\S, )?(--[\w-]+)", run(program, "--help").stdout, re.MULTILINE))
                shown = self.show(page)
                in_page = set(re.findall(r"^ +(?:-\S, )?(--[\w-]+)", shown, re.MULTILINE))
                self.assertGreater(len(in_help), 20)
                self.assertEqual(in_help - in_page, set())

    def test_pages__have_every_subcommand_and_exit_code_of_help(self):
        for program, page in MANUALS.items():
            with self.subTest(program.name):
                text, shown = run(program, "--help").stdout, self.show(page)
                codes = re.findall(r"(?:^|, |,\n)\s*(\d+) ", text.split("Exit codes:")[1].split(". With")[0].split("\n\n")[0])
                self.assertGreater(len(codes), 4)
                for code in codes:
                    self.assertRegex(shown.split("EXIT STATUS")[1], rf"(?m)^ +{code}\b")
        for name in re.findall(r"^  (\w+) ?.*$", run(SERVER, "--help").stdout.split("has --help):")[1].split("\n\n")[0], re.M):
            self.assertRegex(self.show(MANUALS[SERVER]).split("SUBCOMMANDS")[1], rf"(?m)^ +{name}\b")

    def test_environment__is_what_the_program_asks_for(self):
        asked = {name for path in (TOP / "master").glob("*.c") for name in re.findall(r'getenv\("(\w+)"\)', path.read_text())}
        self.assertGreater(len(asked), 5)
        section = self.show(MANUALS[SERVER]).split("ENVIRONMENT")[1].split("EXAMPLES")[0]
        self.assertEqual([name for name in sorted(asked - {"PATH"}) if name not in section], [])

    def test_texts__are_whole(self):
        """What roff takes for its own (a dot in front, a backslash, quotes, hyphens) is shown as it was written."""
        shown = " ".join(self.show(MANUALS[LOADTOOL]).split())
        self.assertIn(r"text with \r \n \t \0 \\ \xHH, with --expect", shown)
        self.assertIn("--send 'PING\\r\\n' --expect '+PONG\\r\\n'", shown)


class Completion(TestCase):
    """The function is called as bash would, with the words of a line, of which the last is being typed."""

    def complete(self, *words):
        program = words[0]
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); function=$(complete -p "$1"); ' \
                 'function=${function#*-F }; ${function%% *}; wait $!; printf "%s\\n" "${COMPREPLY[@]}"'
        result = run("bash", "-c", script, "bash", PACKAGE / f"{program}.bash", *words, cwd=self.folder)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return set(result.stdout.split("\n")) - {""}

    def test_files__bash_can_read_them(self):
        for program in ("prefork-upper", "loadtool"):
            self.assertEqual(run("bash", "-n", PACKAGE / f"{program}.bash").returncode, 0)

    def test_first_word__subcommands_and_options(self):
        self.assertLessEqual({"status", "doctor", "upgrade", "check"}, self.complete("prefork-upper", ""))
        self.assertEqual(self.complete("prefork-upper", "st"), {"status", "stop"})
        self.assertEqual(self.complete("prefork-upper", "--unix"), {"--unix-mode"})
        self.assertEqual(self.complete("loadtool", "c"), {"compare"})
        in_help = set(re.findall(r"^ +(?:-\S, )?(--[\w-]+)", run(SERVER, "--help").stdout, re.MULTILINE))
        self.assertEqual(self.complete("prefork-upper", "--"), in_help)

    def test_values__where_they_can_be_listed(self):
        self.assertEqual(self.complete("prefork-upper", "--protect", ""), {"on", "off"})
        self.assertEqual(self.complete("prefork-upper", "--log-level", "=", "w"), {"warn"})
        self.assertEqual(self.complete("prefork-upper", "--log-format", "="), {"text", "json"})
        self.assertEqual(self.complete("prefork-upper", "--service", "f"), {"faulty"})
        self.assertEqual(self.complete("prefork-upper", "-w", ""), set())
        self.assertEqual(self.complete("prefork-upper", "log", ""), {"error", "warn", "info", "debug"})
        self.assertEqual(self.complete("prefork-upper", "fault", "o"), {"off"})
        self.assertEqual(self.complete("loadtool", "--check", ""), {"upper", "echo", "none"})
        self.assertEqual(self.complete("loadtool", "--kill", "fin,nor"), {"fin,noread"})

    def test_subcommand__has_its_own_options(self):
        self.assertEqual(self.complete("prefork-upper", "drain", "--"), {"--off", "--control", "--timeout", "--help"})
        self.assertEqual(self.complete("prefork-upper", "doctor", "--f"), {"--fix-file", "--fault"})
        self.assertEqual(self.complete("prefork-upper", "status", "--json", "--con"), {"--connections", "--control"})

    def test_files_and_folders__with_blanks_in_their_names(self):
        pathlib.Path(self.folder, "a file").touch()
        pathlib.Path(self.folder, "a folder").mkdir()
        self.assertEqual(self.complete("prefork-upper", "-c", "a"), {"a file", "a folder"})
        self.assertEqual(self.complete("prefork-upper", "--incident-dir", "a"), {"a folder"})
        self.assertEqual(self.complete("prefork-upper", "upgrade", "a f"), {"a file", "a folder"})


class Install(TestCase):
    def make(self, target, prefix):
        # Without what a make above us has told its own sub-makes.
        env = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
        result = run("make", target, f"DESTDIR={self.folder}", f"PREFIX={prefix}", cwd=TOP, env={**env, "NO_INSTALL": "1"})
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def files(self):
        return {str(path.relative_to(self.folder)) for path in pathlib.Path(self.folder).rglob("*") if path.is_file()}

    def test_install_and_uninstall__nothing_left(self):
        self.make("install-files", "/opt/upper")
        installed = self.files()
        self.assertLessEqual({f"opt/upper/{name}" for name in (
            "bin/prefork-upper", "bin/loadtool", "share/man/man8/prefork-upper.8", "share/man/man1/loadtool.1",
            "share/bash-completion/completions/prefork-upper", "share/bash-completion/completions/loadtool",
            "share/doc/prefork-upper/examples/haproxy.cfg")}, installed)
        self.assertEqual({name for name in installed if not name.startswith("opt/upper/")}, set())
        for unit in pathlib.Path(self.folder).rglob("*.service"):
            self.assertNotIn("=/usr/bin", unit.read_text())
        result = run(pathlib.Path(self.folder, "opt/upper/bin/prefork-upper"), "--version")
        self.assertRegex(result.stdout, r"^prefork-upper \d")
        self.make("uninstall", "/opt/upper")
        self.assertEqual(self.files(), set())


class Examples(TestCase):
    EXAMPLES = TOP / "master/package/examples"

    def test_configuration_file__is_accepted(self):
        text = (self.EXAMPLES / "prefork-upper.conf").read_text()
        path = pathlib.Path(self.folder, "prefork-upper.conf")
        path.write_text(re.sub(r"(?m)^bind = .*", "bind = 127.0.0.1:0", text).replace("/var/lib", self.folder))
        result = run(SERVER, "check", "-c", path)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_override_of_the_unit__its_command_is_accepted(self):
        text = (self.EXAMPLES / "systemd-override.conf").read_text()
        line = re.search(r"^ExecStart=/usr/bin/prefork-upper (.*)$", text, re.MULTILINE).group(1)
        words = line.replace("${RUNTIME_DIRECTORY}", self.folder).replace("${STATE_DIRECTORY}", self.folder).split()
        words[words.index("--max-connections") + 1] = "1"  # the machine may have fewer descriptors
        result = run(SERVER, "check", *words, "--bind", "127.0.0.1:0")
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_kubernetes__arguments_are_accepted(self):
        text = (self.EXAMPLES / "kubernetes.yaml").read_text()
        words = json.loads(re.search(r"^ +args: (\[.*\])$", text, re.MULTILINE).group(1))
        result = run(SERVER, "check", *words, "--bind", "127.0.0.1:0", "--metrics", f"127.0.0.1:{free_port()}")
        self.assertEqual((result.returncode, result.stderr), (0, ""))


class Doctor(TestCase):
    def examine(self, *words):
        result = run(SERVER, "doctor", *words)
        self.assertIn(result.returncode, (0, 2, 3), result.stderr)
        return result

    def test_this_machine__values_are_those_of_proc(self):
        result = self.examine("--json")
        checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
        for name in ("net.ipv4.tcp_syncookies", "net.core.somaxconn", "fs.nr_open", "kernel.core_pattern"):
            path = pathlib.Path("/proc/sys", name.replace(".", "/"))
            self.assertEqual(checks[name]["value"], " ".join(path.read_text().split()) or None, name)
        worst = {check["verdict"] for check in checks.values()}
        self.assertEqual(result.returncode, 3 if "need" in worst else 2 if "advise" in worst else 0)

    def test_backlog_beyond_somaxconn__advised_and_written_and_nothing_changed(self):
        somaxconn = pathlib.Path("/proc/sys/net/core/somaxconn")
        before = int(somaxconn.read_text())
        if before >= 65535:
            self.skipTest("the kernel takes every backlog that the option takes")
        path = pathlib.Path(self.folder, "90-upper.conf")
        result = self.examine("--backlog", before + 1, "--fix-file", path)
        self.assertRegex(result.stdout, rf"(?m)^advise +net.core.somaxconn +{before}$")
        self.assertRegex(path.read_text(), rf"(?m)^net.core.somaxconn = {before + 1}$")
        self.assertEqual(int(somaxconn.read_text()), before)

    def test_running_server__its_own_limit_is_judged(self):
        server = self.server(prefix=["prlimit", "--nofile=600:600"])
        result = self.examine("--process", server.pid)
        self.assertRegex(result.stdout, r"(?m)^advise +open files, hard +600$")
