//! The rotation of pods: which are asked for their metrics in a round. Pure.

use std::collections::BTreeMap;

use super::Ready;
use sopwatch_core::observe::observation::PodUid;
use sopwatch_core::text::SafeText;

/// Pods that are asked in one round: with one round every 15 s, 0.4 requests a second in all.
pub(in crate::kubernetes) const MOST: usize = 6;

/// Where there are more pods than are asked in a round, they are asked in turns, each twice in succession: a rate takes two readings.
#[derive(Debug, Default)]
pub(super) struct Rotation {
    rounds: u64,
    /// In which round a pod was asked last.
    asked: BTreeMap<PodUid, u64>,
}

impl Rotation {
    /// The pods of the next round.
    pub(super) fn next(&mut self, ready: &Ready) -> Vec<(PodUid, SafeText)> {
        self.asked.retain(|pod, _| ready.contains_key(pod));
        let again = !self.rounds.is_multiple_of(2);
        let last = self.rounds;
        self.rounds += 1;
        let mut pods: Vec<_> = ready.iter().collect();
        // In a second round those of the first, else those that were asked the longest ago.
        pods.sort_by_key(|(pod, _)| {
            let asked = self.asked.get(*pod).copied();
            (!(again && asked == Some(last)), asked)
        });
        pods.truncate(MOST);
        for (pod, _) in &pods {
            self.asked.insert(PodUid::clone(pod), self.rounds);
        }
        let named = |(pod, name): (&PodUid, &SafeText)| (pod.clone(), name.clone());
        pods.into_iter().map(named).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(count: usize) -> Ready {
        let pod = |number| {
            let name = SafeText::new(&format!("api-{number:03}"));
            (PodUid(name.clone()), name)
        };
        (0..count).map(pod).collect()
    }

    #[test]
    fn few_pods_are_all_asked_each_time() {
        let mut rotation = Rotation::default();
        for _ in 0..4 {
            assert_eq!(rotation.next(&ready(MOST)).len(), MOST);
        }
    }

    #[test]
    fn of_many_each_gets_two_readings_in_its_turn() {
        let (mut rotation, ready) = (Rotation::default(), ready(500));
        let mut rounds: BTreeMap<PodUid, Vec<usize>> = BTreeMap::new();
        for round in 0..2 * 500_usize.div_ceil(MOST) {
            let asked = rotation.next(&ready);
            assert_eq!(asked.len(), MOST);
            for (pod, _) in asked {
                rounds.entry(pod).or_default().push(round);
            }
        }
        assert_eq!(rounds.len(), 500);
        let twice = |rounds: &Vec<usize>| rounds.len() >= 2 && rounds[1] == rounds[0] + 1;
        assert!(rounds.values().all(twice));
    }

    #[test]
    fn a_pod_that_is_gone_makes_room_for_another() {
        let mut rotation = Rotation::default();
        let mut pods = ready(MOST + 1);
        let first = rotation.next(&pods);
        pods.remove(&first[0].0);
        let second = rotation.next(&pods);
        assert_eq!(second.len(), MOST);
        assert!(second[..MOST - 1].iter().all(|pod| first.contains(pod)));
    }
}
