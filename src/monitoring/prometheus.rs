//! Prometheus' text format, version 0.0.4.

use std::fmt::Write as _;

use super::families::Reading;

/// The `Content-Type` of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family's values mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, and begins at 0 with the process.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often what took how long.
    Histogram,
}

impl Kind {
    /// The word of the format.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One value and the values of its labels, in the order of the family's.
pub(super) struct Sample {
    pub(super) labels: Vec<String>,
    pub(super) value: f64,
}

/// What a family reads.
pub(super) enum Values {
    /// Single numbers.
    Samples(Vec<Sample>),
    /// A histogram: upper bounds, the number in each bucket alone (one more than bounds), the sum.
    Buckets(&'static [f64], Vec<u64>, f64),
}

/// A metric with all its series.
pub struct Family {
    /// Its name, with the unit as suffix.
    pub name: &'static str,
    /// What its values mean.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says, in a sentence.
    pub help: &'static str,
    pub(super) read: fn(&Reading) -> Values,
}

/// A page with every family.
pub(super) fn page(families: &[Family], reading: &Reading) -> String {
    let mut page = String::new();
    for family in families {
        write_family(&mut page, family, (family.read)(reading));
    }
    page
}

fn write_family(page: &mut String, family: &Family, values: Values) {
    let name = family.name;
    // Writing to a string does not fail.
    let _ = writeln!(page, "# HELP {name} {}", escaped(family.help, false));
    let _ = writeln!(page, "# TYPE {name} {}", family.kind.word());
    match values {
        Values::Samples(samples) => {
            for sample in samples {
                let labels = family.labels.iter().zip(&sample.labels).map(|(label, value)| (*label, value.as_str()));
                write_sample(page, name, labels, sample.value);
            }
        }
        Values::Buckets(bounds, counts, sum) => {
            let bucket = format!("{name}_bucket");
            let mut all = 0_u64;
            let bounds = bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
            for (bound, count) in bounds.zip(&counts) {
                all = all.saturating_add(*count);
                write_sample(page, &bucket, [("le", bound.as_str())].into_iter(), all as f64);
            }
            write_sample(page, &format!("{name}_sum"), std::iter::empty(), sum);
            write_sample(page, &format!("{name}_count"), std::iter::empty(), all as f64);
        }
    }
}

fn write_sample<'a>(page: &mut String, name: &str, labels: impl Iterator<Item = (&'a str, &'a str)>, value: f64) {
    let labels: Vec<String> = labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value, true))).collect();
    let _ = if labels.is_empty() {
        writeln!(page, "{name} {value}")
    } else {
        writeln!(page, "{name}{{{}}} {value}", labels.join(","))
    };
}

/// Backslash and line feed, and in values of labels the quote.
fn escaped(text: &str, quotes: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes { text.replace('"', "\\\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_stay_in_their_quotes() {
        let mut page = String::new();
        write_sample(&mut page, "a", [("x", "\"} 1\nb\\")].into_iter(), 2.5);
        assert_eq!(page, "a{x=\"\\\"} 1\\nb\\\\\"} 2.5\n");
    }

    #[test]
    fn buckets_add_up() {
        let family = Family {
            name: "d_seconds",
            kind: Kind::Histogram,
            labels: &[],
            help: "h",
            read: |_| Values::Samples(vec![]),
        };
        let mut page = String::new();
        write_family(&mut page, &family, Values::Buckets(&[0.5, 10.0], vec![1, 0, 2], 7.25));
        let expected = "# HELP d_seconds h\n# TYPE d_seconds histogram\nd_seconds_bucket{le=\"0.5\"} 1\n\
                        d_seconds_bucket{le=\"10\"} 1\nd_seconds_bucket{le=\"+Inf\"} 3\nd_seconds_sum 7.25\n\
                        d_seconds_count 3\n";
        assert_eq!(page, expected);
    }
}
