//! Many requests: one line in, one line out, in order. Lines are answered as soon as they are there, by
//! as many threads as there are processors; what is read ahead is bounded.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::{SimulateFormat, table};
use crate::cli::Status;
use crate::simulate::{RequestError, Simulator, write_answer, write_error};
use crate::source::LineIndex;

/// How to answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct How<'a> {
    pub(super) unknown: &'a [String],
    pub(super) format: SimulateFormat,
}

/// Bytes that are read at once. A batch holds the lines that end within them.
const CHUNK: usize = 128 << 10;

/// Longest line that is a request.
const LONGEST: usize = 64 << 20;

/// Most threads; beyond, reading is what takes the time.
const THREADS: usize = 8;

/// Lines, or one that is too long to be kept.
enum Text {
    Lines(Vec<u8>),
    TooLong,
}

/// Lines that follow one another.
struct Batch {
    number: u64,
    /// The number of the first line, from 1.
    line: u64,
    text: Text,
}

/// What a batch was answered with.
struct Answered {
    number: u64,
    text: String,
    failed: bool,
}

/// Answers a text that is one request.
pub(super) fn whole(how: &How<'_>, text: &str, out: &mut dyn Write) -> io::Result<Status> {
    let mut simulator = Simulator::new(how.unknown);
    let mut written = String::new();
    let failed = !answer(&mut simulator, how.format, text, 1, &mut written);
    out.write_all(written.as_bytes())?;
    Ok(if failed { Status::Failed } else { Status::Clean })
}

/// Answers each line of `input`.
pub(super) fn lines(
    how: &How<'_>,
    input: Box<dyn Read + Send>,
    out: &mut dyn Write,
) -> io::Result<Status> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS);
    // Twice as many batches as threads are on their way, and no more.
    let (permit, permits) = sync_channel::<()>(threads * 2);
    for _ in 0..threads * 2 {
        let _ = permit.try_send(());
    }
    let (todo, batches) = sync_channel::<Batch>(threads * 2);
    let (done, answers) = sync_channel::<Answered>(threads * 2);
    let batches = Arc::new(Mutex::new(batches));
    // Not a scope: when nobody reads the answers, nobody waits for more requests either.
    let reading = thread::spawn(move || read(input, &todo, &permits));
    for _ in 0..threads {
        let (batches, done) = (Arc::clone(&batches), done.clone());
        let (unknown, format) = (how.unknown.to_vec(), how.format);
        thread::spawn(move || work(&unknown, format, &batches, &done));
    }
    drop(done);
    let mut failed = false;
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    while let Ok(answered) = receive(&answers, out)? {
        waiting.insert(answered.number, answered);
        while let Some(answered) = waiting.remove(&next) {
            next += 1;
            failed |= answered.failed;
            out.write_all(answered.text.as_bytes())?;
            let _ = permit.try_send(());
        }
    }
    match reading.join() {
        Ok(result) => result?,
        Err(_) => return Err(io::Error::other("reading the requests failed")),
    }
    Ok(if failed { Status::Failed } else { Status::Clean })
}

/// The next answers; before waiting for them, what is written is made to be seen.
fn receive(
    answers: &Receiver<Answered>,
    out: &mut dyn Write,
) -> io::Result<Result<Answered, std::sync::mpsc::RecvError>> {
    if let Ok(answered) = answers.try_recv() {
        return Ok(Ok(answered));
    }
    out.flush()?;
    Ok(answers.recv())
}

/// Cuts the input into batches of whole lines.
fn read(
    mut input: Box<dyn Read + Send>,
    todo: &SyncSender<Batch>,
    permits: &Receiver<()>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut kept: Vec<u8> = Vec::new();
    let (mut number, mut line, mut skipping) = (0, 1, false);
    let mut send = |text: Text| {
        let lines = match &text {
            Text::Lines(bytes) => memchr::memchr_iter(b'\n', bytes).count() as u64,
            Text::TooLong => 0,
        };
        let batch = Batch { number, line, text };
        number += 1;
        line += lines;
        // Nobody there: the writer has given up.
        permits.recv().is_ok() && todo.send(batch).is_ok()
    };
    loop {
        let read = match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let mut bytes = chunk.get(..read).unwrap_or(&[]);
        if skipping {
            let Some(end) = memchr::memchr(b'\n', bytes) else { continue };
            // The line break stays, so that lines are counted.
            bytes = bytes.get(end..).unwrap_or(&[]);
            skipping = false;
        }
        match memchr::memrchr(b'\n', bytes) {
            Some(end) => {
                let (whole, rest) = bytes.split_at_checked(end + 1).unwrap_or((bytes, &[]));
                kept.extend_from_slice(whole);
                if !send(Text::Lines(std::mem::replace(&mut kept, rest.to_vec()))) {
                    return Ok(());
                }
            }
            None => kept.extend_from_slice(bytes),
        }
        if kept.len() > LONGEST {
            kept = Vec::new();
            skipping = true;
            if !send(Text::TooLong) {
                return Ok(());
            }
        }
    }
    if !kept.is_empty() {
        send(Text::Lines(kept));
    }
    Ok(())
}

/// Answers batches until there are no more.
fn work(
    unknown: &[String],
    format: SimulateFormat,
    batches: &Mutex<Receiver<Batch>>,
    done: &SyncSender<Answered>,
) {
    let mut simulator = Simulator::new(unknown);
    loop {
        let next = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Batch { number, line, text }) = next else { return };
        let mut answered = Answered { number, text: String::new(), failed: false };
        match text {
            Text::TooLong => {
                answered.failed = true;
                refuse(
                    "a request must not be longer than 64 MiB",
                    line,
                    1,
                    format,
                    &mut answered.text,
                );
            }
            Text::Lines(bytes) => {
                let lines =
                    bytes.strip_suffix(b"\n").unwrap_or(&bytes).split(|byte| *byte == b'\n');
                for (line, bytes) in (line..).zip(lines) {
                    if bytes.trim_ascii().is_empty() {
                        continue;
                    }
                    let right = match std::str::from_utf8(bytes) {
                        Ok(text) => answer(&mut simulator, format, text, line, &mut answered.text),
                        Err(error) => {
                            let valid = bytes.get(..error.valid_up_to()).unwrap_or(&[]);
                            let column = String::from_utf8_lossy(valid).chars().count() as u64 + 1;
                            refuse("this is not UTF-8", line, column, format, &mut answered.text);
                            false
                        }
                    };
                    answered.failed |= !right;
                }
            }
        }
        if done.send(answered).is_err() {
            return;
        }
    }
}

/// Answers one request, whose text begins on `line`; says whether there was an answer.
fn answer(
    simulator: &mut Simulator,
    format: SimulateFormat,
    text: &str,
    line: u64,
    out: &mut String,
) -> bool {
    match simulator.answer(text) {
        Ok(answer) => {
            match format {
                SimulateFormat::Json => {
                    write_answer(&answer, out);
                    out.push('\n');
                }
                SimulateFormat::Table => {
                    table::write(&answer, out);
                    out.push('\n');
                }
            }
            true
        }
        Err(RequestError { message, offset, place }) => {
            let offset = u32::try_from(offset).unwrap_or(u32::MAX);
            let position = LineIndex::new(text).position(text, offset);
            let message = match place {
                Some(place) => {
                    format!(
                        "{message} (line {}, column {} of the policy)",
                        place.line, place.column
                    )
                }
                None => message,
            };
            let line = line + u64::from(position.line) - 1;
            refuse(&message, line, position.column.into(), format, out);
            false
        }
    }
}

fn refuse(message: &str, line: u64, column: u64, format: SimulateFormat, out: &mut String) {
    match format {
        SimulateFormat::Json => {
            write_error(message, line, column, out);
            out.push('\n');
        }
        SimulateFormat::Table => {
            out.push_str(&format!("error at {line}:{column}: {}\n\n", table::plain(message)));
        }
    }
}
