//! Random scripts of what the evaluator follows.

use imagelint::launch::Shell;

/// A script and how it is run.
pub struct Script {
    pub text: String,
    pub command_string: bool,
    pub arguments: Vec<String>,
    /// What `u…` exits with.
    pub luck: u8,
    /// Which one it is.
    pub number: usize,
    /// Something in it is not known before it runs.
    pub open: bool,
}

pub struct Generator {
    state: u64,
    shell: Shell,
    depth: usize,
    in_function: bool,
    in_loop: bool,
    counter: usize,
    number: usize,
}

impl Generator {
    pub fn new(seed: u64, shell: Shell) -> Self {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1;
        Generator { state, shell, depth: 0, in_function: false, in_loop: false, counter: 0, number: 0 }
    }

    fn below(&mut self, n: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 33) as usize % n
    }

    fn one<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn script(&mut self) -> Script {
        self.number += 1;
        (self.depth, self.in_function, self.in_loop, self.counter) = (0, false, false, 0);
        let command_string = self.chance(45);
        let mut lines = Vec::new();
        if self.chance(25) {
            let options: &[&str] =
                &["set -e", "set -u", "set -eu", "set -f", "set -e", "set -o pipefail", "set -eo pipefail"];
            let of_dash = if self.shell == Shell::Dash { 5 } else { options.len() };
            lines.push(self.one(&options[..of_dash]).to_owned());
        }
        if self.chance(30) {
            lines.push(self.function());
        }
        for _ in 0..1 + self.below(6) {
            lines.push(self.statement());
        }
        let separator = if command_string && self.chance(60) { "; " } else { "\n" };
        let mut text = if lines.iter().any(|l| l.contains("<<") || l.ends_with('&')) {
            lines.join("\n")
        } else {
            lines.join(separator)
        };
        if !command_string || self.chance(15) {
            text.push('\n');
        }
        let pool = ["a", "-x", "b c", "", "--", "-b", "app", "7", "*.t"];
        let arguments = (0..self.below(4)).map(|_| self.one(&pool).to_owned()).collect();
        let open = text.contains("u0") || text.contains("m0") || text.contains(" &\n") || text.ends_with(" &");
        Script { text, command_string, arguments, luck: self.below(2) as u8, number: self.number, open }
    }

    fn function(&mut self) -> String {
        self.in_function = true;
        let body = self.body();
        self.in_function = false;
        let local = if self.chance(40) { "local x; x=l; " } else { "" };
        format!("f() {{ {local}{body}; }}")
    }

    fn body(&mut self) -> String {
        let n = 1 + self.below(2);
        let lines: Vec<String> = (0..n).map(|_| self.line()).collect();
        lines.join("; ")
    }

    /// A statement that fits on a line with others.
    fn line(&mut self) -> String {
        loop {
            let statement = self.statement();
            if !statement.contains("<<") && !statement.ends_with('&') {
                return statement;
            }
        }
    }

    fn statement(&mut self) -> String {
        self.depth += 1;
        let text = if self.depth > 4 { self.simple() } else { self.any() };
        self.depth -= 1;
        text
    }

    fn any(&mut self) -> String {
        match self.below(40) {
            0..=3 => {
                let (condition, yes) = (self.condition(), self.body());
                match self.below(3) {
                    0 => format!("if {condition}; then {yes}; fi"),
                    1 => format!("if {condition}; then {yes}; else {}; fi", self.body()),
                    _ => {
                        let other = self.condition();
                        format!(
                            "if {condition}; then {yes}; elif {other}; then {}; else {}; fi",
                            self.body(),
                            self.line()
                        )
                    }
                }
            }
            4 | 5 => format!("{} && {}", self.condition(), self.line()),
            6 => format!("{} || {}", self.condition(), self.line()),
            7 => format!("{} && {} || {}", self.condition(), self.simple(), self.simple()),
            8 | 9 => self.case(),
            10 => self.each(),
            11 => self.count(),
            12 => format!("( {} )", self.sub()),
            13 => format!("{{ {}; }}", self.body()),
            14 => format!("! {}", self.simple()),
            15 => {
                // stubs read nothing: what prints into a pipe may die of it, or not
                let quiet = self.stub().replace("o4", "p7").replace("o0", "p0");
                match self.below(3) {
                    0 => format!("( {quiet} ) | {}", self.stub()),
                    1 => format!("! {quiet} | {}", self.stub()),
                    _ => format!("{quiet} | {}", self.stub()),
                }
            }
            16 => format!("f {}", self.words(2)),
            17 => format!("eval '{}'", self.line().replace('\'', "\"")),
            18 if self.in_function => format!("return {}", self.one(&["", "0", "2"])).trim().to_owned(),
            18 => format!("exit {}", self.one(&["", "0", "3", "$?", "300"])).trim().to_owned(),
            19 if self.in_loop => self.one(&["break", "continue", "break 2"]).to_owned(),
            20 => format!("{} &", self.stub()),
            21 => match self.below(3) {
                0 => format!("{} & wait $!", self.awaited()),
                1 => format!("if {} & wait $!; then p0 yes; else p0 no; fi", self.awaited()),
                _ => "wait".to_owned(),
            },
            22 => format!("exec {} {}", self.program(), self.words(2)),
            23 => "exec \"$@\"".to_owned(),
            24 => format!(
                "trap '{}' {}",
                self.stub().replace('\'', "\""),
                self.one(&["EXIT", "TERM", "EXIT", "INT TERM"])
            ),
            25 => format!("{} >/dev/null 2>&1", self.compound()),
            26 => format!(
                "{} {}",
                self.stub(),
                self.one(&["</nope/x", ">/nope/x", ">f1", "2>&1", ">>f2", "</dev/null", ">$D"])
            ),
            27 => format!("read v w <<E\none {} three\nE", self.word()),
            28 => format!(". \"$D/{}\"", self.one(&["lib.sh", "ret.sh", "lib.sh"])),
            _ => self.simple(),
        }
    }

    fn sub(&mut self) -> String {
        let (function, inner) = (self.in_function, self.in_loop);
        (self.in_function, self.in_loop) = (false, false);
        let body = self.body();
        (self.in_function, self.in_loop) = (function, inner);
        body
    }

    fn compound(&mut self) -> String {
        match self.below(3) {
            0 => format!("{{ {}; }}", self.body()),
            1 => format!("( {} )", self.sub()),
            _ => self.stub(),
        }
    }

    fn case(&mut self) -> String {
        let word = self.word();
        let patterns = ["a", "-*", "*", "'*'", "b*|app", "[0-9]*", "\"\"", "?", "$x", "\"$1\""];
        let mut text = format!("case {word} in ");
        for _ in 0..1 + self.below(3) {
            let pattern = self.one(&patterns);
            let body = self.line();
            let odd = self.shell == Shell::Bash && self.chance(30);
            let end = if odd { self.one(&[";;&", ";&"]) } else { ";;" };
            text += &format!("{pattern}) {body} {end} ");
        }
        text + "esac"
    }

    fn each(&mut self) -> String {
        let words = if self.chance(30) { String::new() } else { format!(" in {}", self.words(3)) };
        let inner = std::mem::replace(&mut self.in_loop, true);
        let body = self.body();
        self.in_loop = inner;
        format!("for i{words}; do {body}; done")
    }

    fn count(&mut self) -> String {
        self.counter += 1;
        let n = format!("n{}", self.counter);
        let inner = std::mem::replace(&mut self.in_loop, true);
        let body = self.body();
        self.in_loop = inner;
        let limit = self.below(4);
        let word = self.one(&["while", "until"]);
        let test = if word == "while" { "-lt" } else { "-ge" };
        format!("{n}=0; {word} [ ${n} {test} {limit} ]; do {n}=$(({n}+1)); {body}; done")
    }

    fn condition(&mut self) -> String {
        let (a, b) = (self.quoted(), self.quoted());
        match self.below(25) {
            0 => format!("[ {a} = {b} ]"),
            1 => format!("[ {a} != {b} ]"),
            2 => format!("[ -n {a} ]"),
            3 => format!("[ -z {a} ]"),
            4 => format!(
                "[ -{} \"$D/{}\" ]",
                self.one(&["f", "d", "e", "x", "s"]),
                self.one(&["a.t", "sub", "nope", "empty"])
            ),
            5 => format!("[ $# -{} {} ]", self.one(&["eq", "gt", "lt", "ge", "ne"]), self.below(3)),
            6 => "true".to_owned(),
            7 => "false".to_owned(),
            8 => format!("! {}", self.stub()),
            9 => format!("command -v {} >/dev/null", self.one(&["p0", "nope", "echo", "noex", "f"])),
            10 => format!("test {a} = x -o -n {b}"),
            11 => format!("[ {a} = a ] && [ {b} != b ]"),
            12 if self.shell != Shell::Dash => format!("[[ {a} == {} ]]", self.one(&["a*", "-*", "\"a\"", "*"])),
            13 if self.shell == Shell::Bash => format!("[[ -n {a} && {b} =~ ^[a-z]+$ ]]"),
            14 => format!("[ ! -{} {a} ]", self.one(&["n", "z", "f"])),
            15 => "[ \"${1#-}\" != \"$1\" ]".to_owned(),
            16 => format!("[ $((1 + {})) -gt {} ]", self.below(3), self.below(3)),
            17 => format!("[ {} ]", self.word()),
            19 => {
                format!("grep {} {} \"$D/{}\"", self.one(&["-q", "-qs", "-qF"]), a, self.one(&["a.t", "empty", "nope"]))
            }
            20 => format!("id {} >/dev/null 2>&1", self.one(&["root", "-u root", "nosuch"])),
            21 => format!("hash {}", self.one(&["p0", "nope", "echo", "f"])),
            18 => format!("cd {}", self.one(&["$D/sub", "/nope", "\"$D\"", "."])),
            _ => self.stub(),
        }
    }

    fn program(&mut self) -> &'static str {
        self.one(&["p0", "p0", "p1", "p3", "p7", "o0", "o4", "u0", "m0", "nope", "noex", "./nope", "\"$D\"", "badint"])
    }

    fn stub(&mut self) -> String {
        let program =
            self.one(&["p0", "p0", "p0", "p1", "p3", "p7", "o0", "o4", "u0", "m0", "nope", "noex", "p0", "p0"]);
        format!("{program} {}", self.words(2)).trim().to_owned()
    }

    fn simple(&mut self) -> String {
        match self.below(36) {
            22 => self.error(),
            0..=2 => format!("x={}", self.word()),
            3 => format!("y={}", self.word()),
            4 => format!("export z={}", self.quoted()),
            5 => "unset x".to_owned(),
            6 => format!("set -- {}", self.words(3)),
            7 => "shift".to_owned(),
            8 => "set +e".to_owned(),
            9 => "cmd=p0; $cmd via".to_owned(),
            10 => format!("x={} {}", self.quoted(), self.stub()),
            11 => ":".to_owned(),
            12 => format!("echo {}", self.words(2)),
            13 => format!("cd {}", self.one(&["$D/sub", "/nope", "\"$D\"", "..", "sub"])),
            14 => format!("y=$({})", self.sub()),
            15 => format!(": ${{y:={}}}", self.one(&["d", "\"a b\"", "$x"])),
            16 => format!("printf '%s\\n' {}", self.words(2)),
            17 if self.shell == Shell::Bash => format!("arr=({}); p0 \"${{arr[@]}}\" ${{#arr[@]}}", self.words(3)),
            18 => "readonly R=1".to_owned(),
            19 => format!("command {}", self.stub()),
            20 => "p0 \"$(basename \"$D/a.t\")\" \"$(dirname /x/y/z)\"".to_owned(),
            21 => format!("shift {}", self.below(3)),
            _ => self.stub(),
        }
    }

    /// What shells go on from, or not.
    fn error(&mut self) -> String {
        match self.below(14) {
            0 => ". \"$D/nope.sh\"".to_owned(),
            1 => ". nope.sh || p0 or".to_owned(),
            2 => "( . ./nope.sh; p0 in )".to_owned(),
            3 => format!(". \"$D/fail.sh\" || {}", self.simple()),
            4 => "if . \"$D/fail.sh\"; then p0 then; fi".to_owned(),
            5 => format!("x={} :", self.quoted()),
            6 => format!("x={} export y", self.quoted()),
            7 => format!(": {} </nope/x", self.word()),
            8 => "! set -o nosuch".to_owned(),
            9 => "R=2 p0 \"$R\"".to_owned(),
            10 => "R=2".to_owned(),
            11 => format!("y=$(p3; {})", self.stub()),
            12 if self.shell == Shell::Bash => format!("f-g() {{ {}; }}", self.stub()),
            _ => "( exec </nope/x; p0 in )".to_owned(),
        }
    }

    /// A job whose status is asked for.
    fn awaited(&mut self) -> &'static str {
        self.one(&["p0 job", "p3 job", "p7", "nope", "( p3 )", "u0"])
    }

    fn words(&mut self, most: usize) -> String {
        let n = self.below(most + 1);
        (0..n).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    fn quoted(&mut self) -> String {
        match self.below(6) {
            0 => "\"$x\"".to_owned(),
            1 => "\"$1\"".to_owned(),
            2 => "a".to_owned(),
            3 => "\"${y:-a}\"".to_owned(),
            4 => "\"\"".to_owned(),
            _ => format!("\"{}\"", self.expansion()),
        }
    }

    fn word(&mut self) -> String {
        match self.below(16) {
            0..=3 => self.one(&["a", "b", "-x", "7", "w.t"]).to_owned(),
            4 => "\"$@\"".to_owned(),
            5 => "$*".to_owned(),
            6 => "'q  r'".to_owned(),
            7 => format!("\"{}\"", self.expansion()),
            8 => format!("pre{}post", self.expansion()),
            9 => format!("\"<{}>\"", self.expansion()),
            10 => self.one(&["$D/*.t", "nomatch*", "\"*\"", "a\\ b", "~/k", "\"$*\"", "$@"]).to_owned(),
            11 if self.shell == Shell::Bash => self.one(&["{a,b}", "x{1,2}y"]).to_owned(),
            _ => self.expansion(),
        }
    }

    fn expansion(&mut self) -> String {
        match self.below(26) {
            0..=2 => "$x".to_owned(),
            3 => "$1".to_owned(),
            4 => "$#".to_owned(),
            5 => "$?".to_owned(),
            6 => "${x:-d e}".to_owned(),
            7 => "${x+set}".to_owned(),
            8 => "${1:+$1}".to_owned(),
            9 => "${#x}".to_owned(),
            10 => "${1#-}".to_owned(),
            11 => "${x%a*}".to_owned(),
            12 => "${E##* }".to_owned(),
            13 => "$E".to_owned(),
            14 => "$EMPTY".to_owned(),
            15 => "$(o4)".to_owned(),
            16 => format!("$(echo {})", self.one(&["hi", "a  b", "$x", "$1"])),
            17 => format!("$(({} * 2 + {}))", self.below(5), self.one(&["1", "$#", "(3-1)", "(2>1)"])),
            18 => "$lib".to_owned(),
            19 if self.shell != Shell::Dash => self.one(&["${1:0:1}", "${x/a/b}", "${E:2}"]).to_owned(),
            20 => "`echo bqz`".to_owned(),
            21 if self.chance(20) => "${nope?}".to_owned(),
            22 => "$v$w".to_owned(),
            23 => "${y-$(o0)}".to_owned(),
            _ => "$y".to_owned(),
        }
    }
}
