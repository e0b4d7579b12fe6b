//! Forecasts of several versions side by side: calls down, versions across.

use std::io::{self, Write};

use crate::karpenter::Phase;
use crate::order;

use super::escape::line;
use super::layout::{fact, row};
use super::preflight::{Call, Forecast, short};

/// How many versions stand beside each other.
const ACROSS: usize = 7;

/// Calls that are the same to people, whatever form they have in a version.
type Kind<'a> = (&'a str, bool, bool);

/// A table for each controller, and what it comes to.
///
/// # Errors
/// Whatever the writer returns.
pub fn matrix(forecasts: &[Forecast], out: &mut dyn Write) -> io::Result<()> {
    let mut names: Vec<&str> = Vec::new();
    for forecast in forecasts {
        if !names.contains(&forecast.name.as_str()) {
            names.push(&forecast.name);
        }
    }
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        let own: Vec<&Forecast> =
            forecasts.iter().filter(|forecast| forecast.name == **name).collect();
        controller(name, &own, out)?;
    }
    Ok(())
}

fn controller(name: &str, forecasts: &[&Forecast], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}\n", line(name))?;
    let rows = rows(forecasts);
    for across in forecasts.chunks(ACROSS) {
        let mut cells = vec![(40, "call".to_owned())];
        cells.extend(across.iter().map(|forecast| (8, forecast.karpenter.to_string())));
        print(&cells, out)?;
        for (title, kind) in &rows {
            let mut cells = vec![(40, title.clone())];
            cells.extend(across.iter().map(|forecast| (8, cell(forecast, *kind))));
            print(&cells, out)?;
        }
        let others = across.iter().map(|forecast| {
            let listed = |call: &&Call| rows.iter().any(|(_, kind)| is(call, *kind));
            let count = forecast.calls.iter().filter(|call| !listed(call)).count();
            (8, format!("{count} ok"))
        });
        let mut cells = vec![(40, "all others".to_owned())];
        cells.extend(others);
        print(&cells, out)?;
        writeln!(out)?;
    }
    let mut causes: Vec<(&str, Vec<String>)> = Vec::new();
    for forecast in forecasts {
        for cause in &forecast.causes {
            let version = forecast.karpenter.to_string();
            match causes.iter_mut().find(|(known, _)| known == cause) {
                Some((_, versions)) => versions.push(version),
                None => causes.push((cause, vec![version])),
            }
        }
    }
    let causes: Vec<String> = causes
        .into_iter()
        .map(|(cause, versions)| format!("{cause} ({})", versions.join(", ")))
        .collect();
    fact("cause", &causes, out)?;
    if !causes.is_empty() {
        writeln!(out)?;
    }
    for forecast in forecasts {
        writeln!(out, "{}", line(&forecast.sentence))?;
    }
    Ok(())
}

fn print(cells: &[(usize, String)], out: &mut dyn Write) -> io::Result<()> {
    let cells: Vec<(usize, &str)> =
        cells.iter().map(|(width, text)| (*width, text.as_str())).collect();
    row(&cells, out)
}

/// The calls of validation and launch, and every other one that some version does not get.
fn rows<'a>(forecasts: &[&'a Forecast]) -> Vec<(String, (Phase, Kind<'a>))> {
    let mut rows: Vec<(String, (Phase, Kind<'a>))> = Vec::new();
    for call in forecasts.iter().flat_map(|forecast| &forecast.calls) {
        let matters = matches!(call.phase, Phase::Validation | Phase::Launch);
        let kind = (call.phase, kind(call));
        if (matters || call.verdict != "allowed") && !rows.iter().any(|(_, known)| *known == kind) {
            let how = match (call.dry_run, call.by_service) {
                (true, _) => ", dry run",
                (false, true) => ", by fleet",
                (false, false) => "",
            };
            let phase = call.phase.name();
            rows.push((format!("{phase}: {}{how}", short(&call.call)), kind));
        }
    }
    let order = |phase: Phase| Phase::ALL.iter().position(|known| *known == phase);
    order::by_key(&mut rows, |(_, (phase, _))| order(*phase));
    rows
}

fn kind(call: &Call) -> Kind<'_> {
    (&call.call, call.dry_run, call.by_service)
}

fn is(call: &Call, (phase, wanted): (Phase, Kind<'_>)) -> bool {
    call.phase == phase && kind(call) == wanted
}

/// The worst answer of the calls of this kind; `-` where the version makes none.
fn cell(forecast: &Forecast, wanted: (Phase, Kind<'_>)) -> String {
    let answers = forecast.calls.iter().filter(|call| is(call, wanted));
    let text = |call: &Call| match call.http_status {
        Some(403) => (2, "403"),
        None => (1, "?"),
        Some(412) => (0, "412"),
        Some(_) => (0, "ok"),
    };
    answers.map(text).max_by_key(|(badness, _)| *badness).map_or("-", |(_, text)| text).to_owned()
}
