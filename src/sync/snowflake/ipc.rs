//! The structure of an Arrow IPC stream, checked before arrow reads it.
//!
//! A reader trusts the lengths in a stream: an XML error page taken for one makes it ask for gigabytes, and a stream
//! cut between two messages reads as a shorter, complete one.

use crate::sync::SourceError;
use datafusion::arrow::ipc::root_as_message;

const CONTINUATION: [u8; 4] = [0xff; 4];

/// Checks that every message lies within `bytes` and that the end mark is there.
///
/// # Errors
/// The bytes are no Arrow stream, or a part of one.
pub(super) fn check(bytes: &[u8]) -> Result<(), SourceError> {
    let cut = |at: usize| SourceError::Incomplete(format!("an Arrow stream ends early, at byte {at}"));
    let odd = |at: usize| SourceError::Incomplete(format!("a part of the result is no Arrow stream (byte {at})"));
    let mut at = 0_usize;
    loop {
        let head = bytes.get(at..at.saturating_add(8)).ok_or_else(|| cut(at))?;
        let (mark, length) = head.split_at(4);
        if mark != CONTINUATION {
            return Err(odd(at));
        }
        let length = <[u8; 4]>::try_from(length).map(i32::from_le_bytes).map_err(|_| odd(at))?;
        if length == 0 {
            return Ok(());
        }
        let length = usize::try_from(length).map_err(|_| odd(at))?;
        let start = at + 8;
        let end = start.checked_add(length).ok_or_else(|| cut(at))?;
        let metadata = bytes.get(start..end).ok_or_else(|| cut(at))?;
        let message = root_as_message(metadata).map_err(|_| odd(at))?;
        let body = usize::try_from(message.bodyLength()).map_err(|_| odd(at))?;
        at = end.checked_add(body).filter(|end| *end <= bytes.len()).ok_or_else(|| cut(at))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use datafusion::arrow::ipc::writer::StreamWriter;
    use std::sync::Arc;

    fn stream(batches: usize) -> Vec<u8> {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5));
        let batch = RecordBatch::try_from_iter([("A", column)]).unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        for _ in 0..batches {
            writer.write(&batch).unwrap();
        }
        writer.into_inner().unwrap()
    }

    #[test]
    fn a_whole_stream_passes_and_every_cut_is_seen() {
        let whole = stream(3);
        check(&whole).unwrap();
        for end in 0..whole.len() {
            assert!(check(&whole[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn what_is_no_stream_is_refused_at_once() {
        for bytes in [&b"<Error><Code>AccessDenied</Code></Error>"[..], b"", b"\xff\xff\xff\xff\xff\xff\xff\x7f"] {
            assert!(check(bytes).is_err());
        }
    }
}
