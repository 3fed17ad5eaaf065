//! Java: the launcher's manual, `-Xrs`, and *Shutdown hooks* of java.lang.Runtime.

use bstr::{BString, ByteSlice};

use super::{Confidence, Disposition, Nature, Pid1, Reaction, Signal};

/// The virtual machine catches the signals that end a process, runs the shutdown hooks and exits with 128 + n; SIGQUIT
/// makes it print its threads (measured with 17).
pub fn reaction(pid1: &Pid1<'_>, signal: Signal) -> Reaction {
    let reaction = match signal.0 {
        1 | 2 | 3 | 15 if reduces_signals(pid1) => {
            let why = format!(
                "with -Xrs the Java virtual machine leaves {signal} alone, and PID 1 has no handler by default"
            );
            Reaction::ignored(why, Confidence::Likely, Nature::Java)
        }
        1 | 2 | 15 => ends(signal, main_class_text(pid1).as_ref()),
        3 => {
            let why = "the Java virtual machine prints its threads on SIGQUIT and goes on".to_owned();
            Reaction {
                main_told: Some(true),
                disposition: Disposition::Handler,
                ..Reaction::ignored(why, Confidence::Certain, Nature::Java)
            }
        }
        _ => Reaction::unknown(format!("what Java does on {signal} is not known")),
    };
    reaction.of_nature(Nature::Java)
}

fn reduces_signals(pid1: &Pid1<'_>) -> bool {
    pid1.arguments().iter().take_while(|word| word.starts_with(b"-")).any(|word| *word == "-Xrs")
}

/// The end of the virtual machine, as far as the main class does not decide it: one that blocks in a hook never ends, one
/// that calls `Runtime.halt` ends with a code of its own.
fn ends(signal: Signal, class: Option<&BString>) -> Reaction {
    let says = |name: &str| class.is_some_and(|class| class.contains_str(name));
    if !says("addShutdownHook") {
        let why = format!("the Java virtual machine runs the shutdown hooks on {signal} and ends");
        return Reaction::stops(Disposition::Exits, Some(128 + signal.0), why, Confidence::Likely);
    }
    if says("halt") {
        return Reaction::handled(None, format!("a shutdown hook of the program ends it on {signal}"));
    }
    Reaction::unknown(format!("the program's shutdown hooks run on {signal}, and decide when it ends"))
}

/// The main class, where it is a file.
fn main_class_text(pid1: &Pid1<'_>) -> Option<BString> {
    let (directory, class) = main_class(pid1.arguments())?;
    pid1.text(&[directory.as_slice(), b"/", &class.replace(".", "/"), b".class"].concat())
}

/// The first directory of the class path, and the class that is named behind the options.
fn main_class(arguments: &[BString]) -> Option<(BString, &BString)> {
    let (mut directory, mut words) = (BString::from("."), arguments.iter());
    while let Some(word) = words.next() {
        match word.as_slice() {
            b"-jar" | b"-m" | b"--module" => return None,
            b"-cp" | b"-classpath" | b"--class-path" => {
                directory = words.next()?.split_str(":").next().unwrap_or_default().into();
            }
            option if option.starts_with(b"-") => {}
            _ => return Some((directory, word)),
        }
    }
    None
}
