//! Bytes of a file to text: what is looked for before the whole is read, and what is not UTF-8.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::{LineIndex, Position};

/// Offsets are `u32`, and an end one past the last byte must fit.
pub(crate) const MAX_BYTES: u32 = u32::MAX - 1;

/// The word that every IAM policy holds.
const NEEDLE: &[u8] = b"Statement";

/// What a template holds that is made of others: the policies may stand in these alone.
const STACK: &[u8] = b"AWS::CloudFormation::Stack";

/// How much of a file tells whether it is binary.
const HEAD: u64 = 8192;

/// From this size of a file on, in bytes, the memory beside its text counts.
const LARGE: u64 = 16 << 20;

/// The bytes of a file, decoded or not.
pub(super) enum Bytes {
    /// The text, a byte order mark included.
    Text(Box<str>),
    /// Not UTF-8.
    Bad { position: Option<Position>, message: String, help: Option<&'static str> },
}

/// The word in whatever installs or configures Karpenter.
const KARPENTER: &[u8] = b"karpenter";

/// What a file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// It was named, or may hold a policy.
    Policy,
    /// No policy, but it names Karpenter.
    Manifest,
}

/// Reads a file of about `length` bytes. One that is `searched` is read only if it may hold a policy; what
/// is in the form of a `manifest` also if it names Karpenter.
pub(super) fn read(
    path: &Path,
    length: u64,
    searched: bool,
    manifest: bool,
) -> io::Result<Option<(Vec<u8>, Holds)>> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    // All of it at once: a text that grows is copied, and a plan is held twice. Where that much is not to
    // be had, reading says so. What is binary is seen from its head, and nothing is set aside for it.
    let reserve = |bytes: &mut Vec<u8>, length: u64| {
        let length = usize::try_from(length.min(u64::from(MAX_BYTES))).unwrap_or(0);
        let _ = bytes.try_reserve_exact(length.saturating_sub(bytes.len()) + 1);
    };
    if searched && length > HEAD {
        reserve(&mut bytes, HEAD);
        file.by_ref().take(HEAD).read_to_end(&mut bytes)?;
        if is_binary(&bytes) {
            return Ok(None);
        }
    }
    reserve(&mut bytes, length);
    // One byte more, so that a file that has grown since it was measured is refused and not cut.
    let most = u64::from(MAX_BYTES) + 1 - bytes.len() as u64;
    file.take(most).read_to_end(&mut bytes)?;
    if length >= LARGE {
        small_pages();
    }
    if !searched || (holds_statement(&bytes) && !is_binary(&bytes)) {
        return Ok(Some((bytes, Holds::Policy)));
    }
    let names = manifest && memchr::memmem::find(&bytes, KARPENTER).is_some();
    Ok((names && !is_binary(&bytes)).then_some((bytes, Holds::Manifest)))
}

/// Memory comes in small pages from now on. Huge ones are faster, but what each part of the work keeps is little, and
/// a page of two megabytes is taken for it: beside a text of 50 MB that would be a tenth.
#[cfg(target_os = "linux")]
fn small_pages() {
    // Where that is not to be had, it is only memory.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Other systems have no huge pages where nobody asked for them.
#[cfg(not(target_os = "linux"))]
fn small_pages() {}

/// Programs, pictures and archives hold NUL bytes; text does not, unless it is UTF-16.
fn is_binary(bytes: &[u8]) -> bool {
    utf16(bytes).is_none() && memchr::memchr(0, bytes).is_some()
}

/// Whether a text of these bytes may hold a policy.
pub(super) fn holds_statement(bytes: &[u8]) -> bool {
    match utf16(bytes) {
        None => [NEEDLE, STACK].iter().any(|word| memchr::memmem::find(bytes, word).is_some()),
        Some(_) => {
            // Either byte order has these letters with a zero between them.
            let needle: Vec<u8> = NEEDLE.iter().flat_map(|byte| [*byte, 0]).collect();
            let needle = needle.get(..needle.len() - 1).unwrap_or(&needle);
            memchr::memmem::find(bytes, needle).is_some()
        }
    }
}

/// The name of the encoding, if the bytes start with a mark of UTF-16.
fn utf16(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xFF, 0xFE, ..] => Some("UTF-16 (little endian)"),
        [0xFE, 0xFF, ..] => Some("UTF-16 (big endian)"),
        _ => None,
    }
}

/// The text of `bytes`.
pub(super) fn text(bytes: Vec<u8>) -> Bytes {
    if bytes.len() > MAX_BYTES as usize {
        let message = "the text is larger than 4 GiB".to_owned();
        return Bytes::Bad { position: None, message, help: None };
    }
    if let Some(encoding) = utf16(&bytes) {
        let position = Some(Position { line: 1, column: 1, offset: 0 });
        let message = format!("the file is {encoding}, not UTF-8");
        return Bytes::Bad { position, message, help: Some("save it as UTF-8") };
    }
    match String::from_utf8(bytes) {
        Ok(text) => Bytes::Text(text.into()),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let bytes = error.as_bytes();
            let bad = bytes.get(valid).copied().unwrap_or(0);
            let good = std::str::from_utf8(bytes.get(..valid).unwrap_or(&[])).unwrap_or("");
            let offset = u32::try_from(valid).unwrap_or(u32::MAX);
            let position = LineIndex::new(good).position(good, offset);
            let message = format!("the file is not UTF-8: byte 0x{bad:02x} cannot stand here");
            Bytes::Bad { position: Some(position), message, help: Some("save it as UTF-8") }
        }
    }
}
