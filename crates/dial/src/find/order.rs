//! In which order the servers of a service are tried.
//! It must never draw from anything but the randomness that it is given.
//! Standard: RFC 2782 ("Usage rules": priority, then weight); XEP-0368 3 (both services in one order).

/// What places are ordered by.
pub(super) struct Ranked<T> {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) place: T,
}

/// The places: lower priorities first; among equals each is drawn with a chance that follows its weight.
pub(super) fn ordered<T>(mut ranked: Vec<Ranked<T>>, random: fn() -> u32) -> Vec<T> {
    let mut places = Vec::with_capacity(ranked.len());
    while let Some(lowest) = ranked.iter().map(|it| it.priority).min() {
        let equals = || ranked.iter().enumerate().filter(|(_, it)| it.priority == lowest);
        // One more each, so that a weight of 0 has a chance too; a small one, as it has to be.
        let whole: u64 = equals().map(|(_, it)| u64::from(it.weight) * 256 + 1).sum();
        let mut left = draw(random) % whole.max(1);
        let drawn = equals().find(|(_, it)| {
            let share = u64::from(it.weight) * 256 + 1;
            let hit = left < share;
            left = left.saturating_sub(share);
            hit
        });
        let Some(at) = drawn.map(|(at, _)| at) else { break };
        places.push(ranked.swap_remove(at).place);
    }
    places
}

fn draw(random: fn() -> u32) -> u64 {
    (u64::from(random()) << 32) | u64::from(random())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static STATE: Cell<u64> = const { Cell::new(1) };
    }

    fn random() -> u32 {
        STATE.with(|state| {
            let next = state
                .get()
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.set(next);
            u32::try_from(next >> 32).unwrap()
        })
    }

    fn ranked(all: &[(u16, u16, char)]) -> Vec<Ranked<char>> {
        let ranked = |&(priority, weight, place)| Ranked {
            priority,
            weight,
            place,
        };
        all.iter().map(ranked).collect()
    }

    #[test]
    fn lower_priorities_come_first_whatever_their_weight() {
        for _ in 0..100 {
            let order = ordered(ranked(&[(20, 65535, 'c'), (5, 0, 'a'), (10, 1, 'b')]), random);
            assert_eq!(order, ['a', 'b', 'c']);
        }
    }

    #[test]
    fn among_equals_the_weight_decides_how_often_one_is_first() {
        let first = || ordered(ranked(&[(0, 10, 'a'), (0, 30, 'b'), (0, 0, 'c')]), random)[0];
        let drawn: String = (0..4000).map(|_| first()).collect();
        let share = |wanted| drawn.chars().filter(|place| *place == wanted).count();
        assert!((850..1150).contains(&share('a')), "{}", share('a'));
        assert!((2850..3150).contains(&share('b')), "{}", share('b'));
        assert!(share('c') < 20);
    }

    #[test]
    fn nobody_is_lost_and_nobody_is_tried_twice() {
        let all: Vec<_> = ('a'..='z')
            .map(|place| (u16::from(place > 'm'), 7, place))
            .collect();
        let mut order = ordered(ranked(&all), random);
        order.sort_unstable();
        assert_eq!(order.iter().collect::<String>(), "abcdefghijklmnopqrstuvwxyz");
        assert!(ordered::<char>(Vec::new(), random).is_empty());
    }
}
