//! Arguments that several commands have.

use std::fmt::Write;

use clap::Args;
use clap::builder::PossibleValuesParser;
use consistent_memcached::client::Client;
use consistent_memcached::options::{Options, TABLE};
use consistent_memcached::placement::{COMPATS, DISTRIBUTIONS, HASHES};

use crate::failure::Failure;

/// How keys are placed, and every other option of the library.
#[derive(Args)]
pub struct OptionArguments {
    /// How keys are spread over the servers [default: rehash]
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(DISTRIBUTIONS), hide_possible_values = true)]
    pub distribution: Option<String>,
    /// The hash of keys [default: the distribution's]
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(HASHES), hide_possible_values = true)]
    pub hash: Option<String>,
    /// Place keys as this client does by default
    #[arg(long, value_name = "CLIENT", value_parser = PossibleValuesParser::new(COMPATS), hide_possible_values = true)]
    pub compat: Option<String>,
    /// Set an option of the library; may be repeated. `cm --help` lists them
    #[arg(short = 'o', long = "option", value_name = "NAME=VALUE")]
    pub options: Vec<String>,
}

impl OptionArguments {
    pub fn options(&self) -> Result<Options, Failure> {
        let mut options = Options::new();
        apply(&mut options, &self.options)?;
        let named = [
            ("distribution", &self.distribution),
            ("hash", &self.hash),
            ("compat", &self.compat),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                options.set(name, value)?;
            }
        }
        Ok(options)
    }
}

/// Sets options given as NAME=VALUE.
fn apply(options: &mut Options, given: &[String]) -> Result<(), Failure> {
    for option in given {
        let (name, value) = option.split_once('=').ok_or_else(|| {
            Failure::input(format!(
                "-o \"{}\" is not NAME=VALUE",
                option.escape_debug()
            ))
        })?;
        options.set(name, value)?;
    }
    Ok(())
}

/// The servers a command is about.
#[derive(Args)]
pub struct ServerArguments {
    /// The servers: ADDRESS [weight=N] [name=ID], separated by commas or newlines
    #[arg(long, value_name = "SERVERS")]
    pub servers: String,
    #[command(flatten)]
    pub options: OptionArguments,
}

impl ServerArguments {
    pub fn client(&self) -> Result<Client, Failure> {
        Ok(Client::new(&self.servers, &self.options.options()?)?)
    }
}

/// A change of the fleet: servers and options before and after it.
#[derive(Args)]
pub struct ChangeArguments {
    /// The servers before the change
    #[arg(long, value_name = "SERVERS")]
    pub from: String,
    /// The servers after the change
    #[arg(long, value_name = "SERVERS")]
    pub to: String,
    #[command(flatten)]
    pub options: OptionArguments,
    /// Set an option that is another after the change, as in --to-option distribution=rehash;
    /// may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub to_option: Vec<String>,
}

impl ChangeArguments {
    /// Those before the change, and those after it.
    pub fn options(&self) -> Result<[Options; 2], Failure> {
        let before = self.options.options()?;
        let mut after = before.clone();
        apply(&mut after, &self.to_option)?;
        Ok([before, after])
    }
}

/// The table of options as text.
pub fn describe_options() -> String {
    let mut text = String::from("Options of the library (-o NAME=VALUE):\n");
    for spec in TABLE {
        let default = match spec.default {
            "" => String::new(),
            default => format!(" [default: {default}]"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  {} ({}){default}\n      {}",
            spec.name,
            spec.range(),
            spec.text
        );
    }
    text
}
