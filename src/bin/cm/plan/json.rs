//! A plan as JSON: shares of 1, not per cent.

use serde_json::{Value, json};

use super::Report;
use crate::movement::Movement;

pub fn text(report: &Report) -> String {
    let Report { change, chosen, .. } = report;
    let servers: Vec<Value> = change
        .servers
        .iter()
        .enumerate()
        .map(|(place, server)| {
            let of = |side: usize| {
                (server.fair[side] > 0.0).then(
                    || json!({ "share": chosen.shares[side][place], "fair": server.fair[side] }),
                )
            };
            json!({ "server": server.identity, "before": of(0), "after": of(1) })
        })
        .collect();
    let others: Vec<Value> = report
        .others
        .iter()
        .map(|(name, movement)| {
            let mut object = match movement {
                Ok(movement) => summary(report, movement),
                Err(reason) => json!({ "error": reason }),
            };
            object["distribution"] = json!(name);
            object
        })
        .collect();
    let mut object = summary(report, chosen);
    object["keys"] = json!(report.keys);
    object["options"] = json!(report.name);
    object["least_for_even_shares"] = json!(change.least());
    object["servers"] = servers.into();
    object["distributions"] = others.into();
    format!("{object:#}\n")
}

fn summary(report: &Report, movement: &Movement) -> Value {
    let [before, after] = report.change.fullest(movement);
    json!({
        "moved": movement.moved,
        "least": movement.least,
        "fullest_before": before,
        "fullest_after": after,
    })
}
