//! `cm`: shows where keys go, what a change of the fleet costs, and what servers hold.

mod arguments;
mod chart;
mod commands;
mod drawing;
mod failure;
mod handover;
mod input;
mod locate;
mod movement;
mod plan;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use failure::Failure;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the server said no: a miss, a condition that was not met
  2  wrong usage or input: one line on standard error says what
  3  it failed: a server cannot be reached, an answer did not come in time";

/// Operate memcached servers, and see where a client puts its keys.
///
/// Every command that names servers takes a list, separated by commas or newlines, of
/// ADDRESS [weight=N] [name=ID]. ADDRESS is host, host:port (11211 when left out),
/// [ipv6]:port or unix:/path.
#[derive(Parser)]
#[command(name = "cm", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Locate(locate::Locate),
    Plan(plan::Plan),
    Handover(handover::Handover),
    Chart(chart::Chart),
    Get(commands::get::Get),
    Set(commands::set::Set),
    Delete(commands::delete::Delete),
    Touch(commands::touch::Touch),
    Incr(commands::incr::Incr),
    Stats(commands::stats::Stats),
    Flush(commands::flush::Flush),
}

impl Command {
    fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Locate(command) => command.run(),
            Self::Plan(command) => command.run(),
            Self::Handover(command) => command.run(),
            Self::Chart(command) => command.run(),
            Self::Get(command) => command.run(),
            Self::Set(command) => command.run(),
            Self::Delete(command) => command.run(),
            Self::Touch(command) => command.run(),
            Self::Incr(command) => command.run(),
            Self::Stats(command) => command.run(),
            Self::Flush(command) => command.run(),
        }
    }
}

fn main() -> ExitCode {
    let ended = match parse() {
        Ok(cli) => cli.command.run(),
        Err(error) => usage(&error),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn parse() -> Result<Cli, clap::Error> {
    let options = arguments::describe_options();
    let command = Cli::command()
        .after_help(EXIT_CODES)
        .after_long_help(format!("{options}\n{EXIT_CODES}"));
    Cli::from_arg_matches(&command.try_get_matches()?)
}

/// Help goes out as clap has it; what is wrong is said in one line.
fn usage(error: &clap::Error) -> Result<(), Failure> {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return Ok(error.print()?);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Err(Failure::input("a command is missing; see cm --help"));
    }
    let text = error.to_string();
    let reason = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = reason.split_whitespace().collect();
    let line = words.join(" ");
    Err(Failure::input(line.trim_start_matches("error: ")))
}
