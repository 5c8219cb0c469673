//! Every order in which the steps of several callers can follow each other, on one key that has
//! moved: docs/handover.md. The larger ones: `cargo test --release --lib model -- --ignored`.

mod explorer;
mod history;
mod server;
mod trip;
mod world;

use crate::options::Copying;
use explorer::{Counterexample, explore};
use history::Wish::{self, Add, Delete, Increment, Read, ReadCas, Replace, Set};
use server::Slot::{Item, Nothing};
use world::{Fault, World};

/// Nothing goes wrong, whatever the order.
#[track_caller]
fn holds(world: World) {
    match explore(&world) {
        Ok(states) => assert!(states > 50, "{world:?}: {states} states, hardly a race"),
        Err(found) => panic!("{}", text(&world, &found)),
    }
}

/// Something can go wrong, by so few steps and not by fewer.
#[track_caller]
fn fails_in(steps: usize, wrong: &str, world: World) {
    let found = explore(&world).expect_err("nothing was found");
    let text = text(&world, &found);
    assert_eq!(
        (found.path.len(), found.wrong.as_str()),
        (steps, wrong),
        "{text}"
    );
}

fn text(world: &World, found: &Counterexample) -> String {
    let path = found.path.join("\n  ");
    format!("{:?}: {}\n  {path}", world.wishes, found.wrong)
}

fn each(all: &[&[Wish]], check: impl Fn(World)) {
    for wishes in all {
        check(World::new(wishes));
    }
}

#[test]
fn what_is_deleted_or_overwritten_does_not_come_back() {
    let all: &[&[Wish]] = &[
        &[Read, Read, Set(4)],
        &[Read, Read, Delete],
        &[Read, Set(4), Set(7)],
        &[Read, Set(4), Delete],
        &[ReadCas, Read, Delete],
        &[ReadCas, Read, Set(4)],
        &[Read, Read, Set(4), Delete],
    ];
    each(all, holds);
}

#[test]
fn what_depends_on_the_old_value_loses_nothing() {
    let all: &[&[Wish]] = &[
        &[Increment, Read, Delete],
        &[Increment, Read, Set(4)],
        &[Increment, Set(4), Delete],
        &[Increment, ReadCas, Set(4)],
        &[Increment, Increment, Read],
        &[Add(4), Read, Delete],
        &[Add(4), Add(7), Read],
        &[Add(4), Increment, Read],
    ];
    each(all, |world| holds(World { tries: 1, ..world }));
}

#[test]
#[ignore = "takes minutes"]
fn larger_races() {
    let all: &[&[Wish]] = &[
        &[Increment, Increment, Read],
        &[Increment, Read, Increment, Delete],
        &[Increment, Add(5), Read, Delete],
        &[Increment, ReadCas, Set(4), Delete],
        &[Read, Read, ReadCas, Delete],
        &[Increment, Increment, Increment, Read],
    ];
    each(all, |world| holds(World { tries: 2, ..world }));
    let fails = |world| World {
        fails: true,
        ..world
    };
    let all: &[&[Wish]] = &[
        &[Increment, Read, Delete],
        &[Increment, Read, Set(4)],
        &[Add(4), Read, Delete],
        &[Read, Read, Set(4), Delete],
    ];
    each(all, |world| holds(fails(world)));
}

/// Each may refuse, or not answer, any request.
#[test]
fn servers_that_fail_bring_nothing_back() {
    let all: &[&[Wish]] = &[
        &[Read, Read, Delete],
        &[Read, Read, Set(4)],
        &[Read, Set(4), Delete],
    ];
    let fails = |world| World {
        fails: true,
        ..world
    };
    each(all, |world| holds(fails(world)));
    each(&[&[Increment, Read, Delete]], |world| {
        holds(World {
            tries: 0,
            ..fails(world)
        })
    });
}

/// As at a change: who began before has only the old owner.
fn changing(settles: bool, wishes: &[Wish]) -> World {
    World {
        before: 1,
        settles,
        slots: vec![[Item(1, 1), Nothing], [Nothing, Nothing]],
        tries: 1,
        ..World::new(wishes)
    }
}

#[test]
fn calls_under_way_at_the_change_are_waited_for() {
    for before in [Set(4), Delete, Increment] {
        holds(changing(true, &[before, Read, Read, Delete]));
        holds(changing(true, &[before, Increment, Read]));
    }
    // Who waits no longer, because timeout_ms is over, can copy what is being overwritten.
    fails_in(
        5,
        "Read comes to Value(1)",
        changing(false, &[Set(4), Read, Read]),
    );
}

fn copying(copying: Copying, wishes: &[Wish]) -> World {
    World {
        copying,
        slots: vec![
            [Item(1, 1), Nothing],
            [Nothing, Nothing],
            [Item(1, 1), Item(1, 2)],
        ],
        ..World::new(wishes)
    }
}

#[test]
fn without_a_stub_a_deletion_can_lose() {
    let wrong = "Some(1) is there in the end";
    fails_in(5, wrong, copying(Copying::Add, &[Read, Delete]));
    // What must copy does so by `add` here, too.
    let wrong = "Some(2) is there in the end";
    fails_in(7, wrong, copying(Copying::Never, &[Increment, Delete]));
    // It is only deletions: what was written is not overwritten.
    for how in [Copying::Add, Copying::Never] {
        holds(copying(how, &[Read, Read, Set(4), Set(7)]));
        holds(copying(how, &[Increment, Increment, Read]));
    }
    holds(copying(Copying::Never, &[Read, Read, Set(4), Delete]));
}

/// What one process could not delete at a server that refuses it, another reads there.
#[test]
fn processes_do_not_know_what_others_could_not_delete() {
    let world = World {
        fails: true,
        is_apart: true,
        ..World::new(&[Read, Delete])
    };
    fails_in(3, "Some(1) is there in the end", world);
}

/// To `replace` another's stub would be an item.
#[test]
fn what_replaces_meets_no_stub() {
    let all: &[&[Wish]] = &[
        &[Replace(4), Read, Delete],
        &[Replace(4), Read, Read],
        &[Replace(4), Set(7), Delete],
        &[Replace(4), Replace(7), Read],
        &[Replace(4), Increment, Read],
    ];
    each(all, holds);
}

#[test]
fn what_is_made_wrong_is_found() {
    for (fault, steps) in [
        (Fault::EarlyRead, 7),
        (Fault::EarlyAct, 5),
        (Fault::BlindCopy, 5),
    ] {
        let world = World {
            fault,
            ..World::new(&[Read, Delete])
        };
        fails_in(steps, "Some(1) is there in the end", world);
    }
}
