//! Snapshots in the text format of Prometheus, version 0.0.4.

use std::fmt::{self, Display, Formatter, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Fleet;
use super::handover::{Counts, Handover};
use super::health::Standing;
use super::snapshot::Snapshot;
use crate::error::Status;

/// What can become of an operation on a server besides an answer.
const KINDS: [(Status, &str); 14] = [
    (Status::ValueTooLarge, "value_too_large"),
    (Status::Timeout, "timeout"),
    (Status::ServerDown, "server_down"),
    (Status::Connection, "connection"),
    (Status::Protocol, "protocol"),
    (Status::Server, "server"),
    (Status::Rejected, "rejected"),
    (Status::Unsupported, "unsupported"),
    (Status::Auth, "auth"),
    (Status::Tls, "tls"),
    (Status::Resolve, "resolve"),
    (Status::Closed, "closed"),
    (Status::Cancelled, "cancelled"),
    (Status::NoMemory, "no_memory"),
];

const STANDINGS: [(Standing, &str); 4] = [
    (Standing::Up, "up"),
    (Standing::Suspect, "suspect"),
    (Standing::Down, "down"),
    (Standing::Probing, "probing"),
];

/// Bounds of the histogram's buckets: 2 to the power of these, in microseconds. From 64 µs to 2 s.
const BOUNDS: std::ops::RangeInclusive<u32> = 6..=21;

const PREFIX: &str = "consistent_memcached_";

type Figure = fn(&Snapshot) -> u64;
type Handovers = fn(&Counts) -> &AtomicU64;

const GAUGES: [(&str, &str, Figure); 2] = [
    ("server_weight", "Weight in the list of servers.", |s| {
        s.weight.into()
    }),
    ("connections", "Connections that are open.", |s| {
        s.connections_open
    }),
];

const COUNTERS: [(&str, &str, Figure); 10] = [
    (
        "operations_total",
        "Operations that came to an end on the server: answered or failed.",
        |s| s.counters.operations,
    ),
    ("hits_total", "Reads of an item that was there.", |s| {
        s.counters.hits
    }),
    (
        "misses_total",
        "Reads of an item that was not there.",
        |s| s.counters.misses,
    ),
    (
        "failovers_total",
        "Operations that another server was asked in place of this one.",
        |s| s.counters.failovers,
    ),
    (
        "failures_total",
        "Connections that could not be made, broke, or went unanswered.",
        |s| s.counters.failures,
    ),
    (
        "timeouts_total",
        "Of the failures those where the time was over.",
        |s| s.counters.timeouts,
    ),
    (
        "protocol_violations_total",
        "Of the failures those where the server did not keep to the protocol.",
        |s| s.counters.violations,
    ),
    (
        "quiet_failures_total",
        "Refusals of quiet operations that no result told of.",
        |s| s.quiet_failures,
    ),
    (
        "connections_opened_total",
        "Connections that were made.",
        |s| s.connections_opened,
    ),
    (
        "connections_replaced_total",
        "Connections found unusable after they had been idle.",
        |s| s.connections_replaced,
    ),
];

const HANDOVERS: [(&str, &str, Handovers); 4] = [
    (
        "handover_moved_total",
        "Operations on keys whose server had changed.",
        |counts| &counts.moved,
    ),
    (
        "handover_found_total",
        "Of those the ones whose key was found at a former server.",
        |counts| &counts.found,
    ),
    (
        "handover_copied_total",
        "Items copied from a former server.",
        |counts| &counts.copied,
    ),
    (
        "handover_lost_races_total",
        "Copies refused because somebody had written or deleted meanwhile.",
        |counts| &counts.lost_races,
    ),
];

impl Fleet {
    /// Every figure of every server, and of the handovers.
    pub fn prometheus(&self) -> String {
        let left = |handover: &Handover| handover.left(Instant::now());
        let left = self.handover.as_ref().map_or(Duration::ZERO, left);
        render(&self.snapshot(), &self.handovers, left)
    }
}

fn render(servers: &[Snapshot], handovers: &Counts, left: Duration) -> String {
    let mut page = Page(String::new());
    page.family(
        "server_state",
        "gauge",
        "1 for the state the server is in, 0 for the others.",
    );
    for server in servers {
        for (standing, state) in STANDINGS {
            let is = u64::from(server.standing == standing);
            page.sample("server_state", server, &[("state", &state)], &is);
        }
    }
    for (kind, families) in [("gauge", &GAUGES[..]), ("counter", &COUNTERS[..])] {
        for (name, help, figure) in families {
            page.family(name, kind, help);
            for server in servers {
                page.sample(name, server, &[], &figure(server));
            }
        }
    }
    page.family(
        "errors_total",
        "counter",
        "Operations that failed on the server.",
    );
    for server in servers {
        for (status, kind) in KINDS {
            let count = server.counters.errors[status.number()];
            page.sample("errors_total", server, &[("kind", &kind)], &count);
        }
    }
    page.latencies(servers);
    for (name, help, count) in HANDOVERS {
        page.family(name, "counter", help);
        let count = count(handovers).load(Ordering::Relaxed);
        let _ = writeln!(page.0, "{PREFIX}{name} {count}");
    }
    let name = "handover_left_seconds";
    page.family(name, "gauge", "Until the handover is over; 0: none is on.");
    let _ = writeln!(page.0, "{PREFIX}{name} {}", left.as_secs_f64());
    page.0
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // A string takes whatever is written to it.
        let _ = writeln!(self.0, "# HELP {PREFIX}{name} {help}");
        let _ = writeln!(self.0, "# TYPE {PREFIX}{name} {kind}");
    }

    fn sample(
        &mut self,
        name: &str,
        server: &Snapshot,
        labels: &[(&str, &dyn Display)],
        value: &dyn Display,
    ) {
        let identity = Escaped(&server.identity);
        let _ = write!(self.0, "{PREFIX}{name}{{server=\"{identity}\"");
        for (label, value) in labels {
            let _ = write!(self.0, ",{label}=\"{value}\"");
        }
        let _ = writeln!(self.0, "}} {value}");
    }

    fn latencies(&mut self, servers: &[Snapshot]) {
        self.family(
            "exchange_duration_seconds",
            "histogram",
            "From sending a request, or several together, to the last answer.",
        );
        for server in servers {
            let latency = &server.counters.latency;
            for bits in BOUNDS {
                let bound = (1_u64 << bits) as f64 / 1e6;
                let below = latency.below(bits);
                let name = "exchange_duration_seconds_bucket";
                self.sample(name, server, &[("le", &bound)], &below);
            }
            let count = latency.count();
            let name = "exchange_duration_seconds_bucket";
            self.sample(name, server, &[("le", &"+Inf")], &count);
            let sum = latency.sum.as_secs_f64();
            self.sample("exchange_duration_seconds_sum", server, &[], &sum);
            self.sample("exchange_duration_seconds_count", server, &[], &count);
        }
    }
}

/// As the value of a label stands between its quotes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::super::metrics::Metrics;
    use super::*;
    use crate::protocol::Kind;

    fn snapshot(identity: &str) -> Snapshot {
        let metrics = Metrics::default();
        metrics.ended([(Kind::Get, Status::Ok), (Kind::Get, Status::Timeout)].into_iter());
        metrics.answered_within(Duration::from_micros(100));
        metrics.answered_within(Duration::from_secs(100));
        Snapshot {
            identity: identity.into(),
            address: "a:11211".into(),
            weight: 3,
            standing: Standing::Suspect,
            connections_open: 1,
            connections_opened: 2,
            connections_replaced: 0,
            quiet_failures: 0,
            counters: metrics.snapshot(),
        }
    }

    #[test]
    fn samples_stand_with_their_family() {
        let text = render(
            &[snapshot("a:11211"), snapshot("b:11211")],
            &Counts::default(),
            Duration::ZERO,
        );
        assert!(text.ends_with('\n'));
        let (mut family, mut families, mut seen) = (String::new(), HashSet::new(), HashSet::new());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                family = help.split(' ').next().unwrap().to_owned();
                assert!(families.insert(family.clone()), "{family} twice");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                assert_eq!(kind.split(' ').next(), Some(family.as_str()));
            } else {
                assert!(line.starts_with(&family), "{line} under {family}");
                let (sample, value) = line.rsplit_once(' ').unwrap();
                assert!(seen.insert(sample.to_owned()), "{sample} twice");
                assert!(value.parse::<f64>().unwrap() >= 0.0);
            }
        }
    }

    #[test]
    fn figures_are_where_they_belong() {
        let left = Duration::from_millis(1500);
        let text = render(&[snapshot("a:11211")], &Counts::default(), left);
        for line in [
            "server_state{server=\"a:11211\",state=\"up\"} 0",
            "server_state{server=\"a:11211\",state=\"suspect\"} 1",
            "server_weight{server=\"a:11211\"} 3",
            "operations_total{server=\"a:11211\"} 2",
            "errors_total{server=\"a:11211\",kind=\"timeout\"} 1",
            "exchange_duration_seconds_bucket{server=\"a:11211\",le=\"0.000064\"} 0",
            "exchange_duration_seconds_bucket{server=\"a:11211\",le=\"0.000128\"} 1",
            "exchange_duration_seconds_bucket{server=\"a:11211\",le=\"2.097152\"} 1",
            "exchange_duration_seconds_bucket{server=\"a:11211\",le=\"+Inf\"} 2",
            "exchange_duration_seconds_sum{server=\"a:11211\"} 100.0001",
            "exchange_duration_seconds_count{server=\"a:11211\"} 2",
            "handover_moved_total 0",
            "handover_left_seconds 1.5",
        ] {
            let line = format!("\n{PREFIX}{line}\n");
            assert!(text.contains(&line), "{line} is not in {text}");
        }
    }

    #[test]
    fn labels_are_escaped() {
        let server = snapshot("unix:/a\"b\\c\nd");
        let text = render(&[server], &Counts::default(), Duration::ZERO);
        assert!(text.contains(r#"server_weight{server="unix:/a\"b\\c\nd"} 3"#));
    }
}
