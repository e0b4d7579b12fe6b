//! Plans.
use super::Extracted;
use crate::source::{SourceId, SourceMap};
use crate::syntax::SyntaxError;
use crate::syntax::json::LazyMap;
pub(super) fn from_json(
    _sources: &SourceMap,
    _file: SourceId,
    _entries: &LazyMap<'_>,
    _out: &mut Extracted,
) -> Result<bool, SyntaxError> {
    Ok(false)
}
