//! The store of the API server: the objects, their versions, and the history that watches read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::managed_fields;
use super::resource::Resource;

/// How many changes a watch may lag behind before it gets 410 (a real server keeps some minutes), at most.
const HISTORY: usize = 2_000;

/// The same for each object: each change holds an object whole, and a small world that reports for days needs no long history.
const HISTORY_PER_OBJECT: usize = 10;

/// The same at least.
const SHORTEST_HISTORY: usize = 300;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Created.
    Added,
    /// Changed.
    Modified,
    /// Deleted.
    Deleted,
}

/// One change, with the object after it (for a deletion: its last state under the version of the deletion).
#[derive(Clone, Debug)]
pub struct Change {
    /// The resourceVersion this change made.
    pub version: u64,
    /// The kind of object.
    pub resource: Resource,
    /// What happened.
    pub kind: ChangeKind,
    /// The object after the change.
    pub object: Arc<Value>,
    /// The object before the change, by which a watch with a selector sees what left or joined its selection.
    pub previous: Option<Arc<Value>>,
}

/// The requested version is older than the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOld {
    /// The oldest version that could still be answered.
    pub oldest: u64,
}

/// Namespace and name.
pub type Key = (String, String);

/// All objects of the world.
pub struct Store {
    objects: BTreeMap<Resource, BTreeMap<Key, Arc<Value>>>,
    version: u64,
    history: VecDeque<Change>,
    oldest: u64,
    changed: watch::Sender<u64>,
}

impl Store {
    /// An empty store whose first change will have version `version + 1`.
    pub fn starting_at(version: u64) -> Self {
        Self {
            objects: BTreeMap::new(),
            version,
            history: VecDeque::new(),
            oldest: version,
            changed: watch::Sender::new(version),
        }
    }

    /// The version of the newest change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A receiver that changes with every new version.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The object, if it exists.
    pub fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.objects
            .get(&resource)?
            .get(&(namespace.to_owned(), name.to_owned()))
    }

    /// All objects of a resource, by namespace and name.
    pub fn all(&self, resource: Resource) -> impl Iterator<Item = &Arc<Value>> {
        self.objects.get(&resource).into_iter().flat_map(BTreeMap::values)
    }

    /// The objects of a resource in a namespace whose names begin so, by name.
    pub fn named_with(
        &self,
        resource: Resource,
        namespace: &str,
        prefix: String,
    ) -> impl Iterator<Item = &Arc<Value>> {
        let first: Key = (namespace.to_owned(), prefix);
        let objects = self.objects.get(&resource).into_iter();
        let after = objects.flat_map({
            let first = first.clone();
            move |objects| objects.range(first.clone()..)
        });
        after
            .take_while(move |(key, _)| key.0 == first.0 && key.1.starts_with(&first.1))
            .map(|(_, object)| object)
    }

    /// Writes the object under its own name; it gets a new resourceVersion. A write that changes nothing makes no version.
    pub fn put(&mut self, resource: Resource, mut object: Value) -> u64 {
        let key = key_of(&object);
        let previous = self.objects.get(&resource).and_then(|all| all.get(&key)).cloned();
        managed_fields::maintain(resource, previous.as_deref(), &mut object);
        if let Some(previous) = &previous {
            object["metadata"]["resourceVersion"] = previous["metadata"]["resourceVersion"].clone();
            if **previous == object {
                return self.version;
            }
        }
        let kind = match previous {
            Some(_) => ChangeKind::Modified,
            None => ChangeKind::Added,
        };
        object["metadata"]["resourceVersion"] = Value::from((self.version + 1).to_string());
        let object = Arc::new(object);
        self.objects
            .entry(resource)
            .or_default()
            .insert(key, Arc::clone(&object));
        self.record(resource, kind, object, previous)
    }

    /// Removes the object; its last state gets the version of the removal, as watches show it.
    pub fn remove(&mut self, resource: Resource, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let key = (namespace.to_owned(), name.to_owned());
        let previous = self.objects.get_mut(&resource)?.remove(&key)?;
        let mut last = (*previous).clone();
        last["metadata"]["resourceVersion"] = Value::from((self.version + 1).to_string());
        let last = Arc::new(last);
        self.record(resource, ChangeKind::Deleted, Arc::clone(&last), Some(previous));
        Some(last)
    }

    /// The changes of a resource after `version`, oldest first.
    pub fn since(&self, resource: Resource, version: u64) -> Result<Vec<Change>, TooOld> {
        if version < self.oldest {
            return Err(TooOld { oldest: self.oldest });
        }
        let newer = self
            .history
            .iter()
            .rev()
            .take_while(|change| change.version > version);
        let mut changes: Vec<Change> = newer
            .filter(|change| change.resource == resource)
            .cloned()
            .collect();
        changes.reverse();
        Ok(changes)
    }

    /// The objects of a resource as they were at `version`, for a list that is read in pages.
    pub fn at_version(&self, resource: Resource, version: u64) -> Result<BTreeMap<Key, Arc<Value>>, TooOld> {
        let mut objects = self.objects.get(&resource).cloned().unwrap_or_default();
        for change in self.since(resource, version)?.iter().rev() {
            let key = key_of(&change.object);
            match &change.previous {
                Some(previous) => objects.insert(key, Arc::clone(previous)),
                None => objects.remove(&key),
            };
        }
        Ok(objects)
    }

    /// Forgets the history, as a server does when it compacts: watches from before get 410.
    pub fn compact(&mut self) {
        self.history.clear();
        self.oldest = self.version;
    }

    fn record(
        &mut self,
        resource: Resource,
        kind: ChangeKind,
        object: Arc<Value>,
        previous: Option<Arc<Value>>,
    ) -> u64 {
        self.version += 1;
        self.history.push_back(Change {
            version: self.version,
            resource,
            kind,
            object,
            previous,
        });
        let objects: usize = self.objects.values().map(BTreeMap::len).sum();
        let most = (objects * HISTORY_PER_OBJECT).clamp(SHORTEST_HISTORY, HISTORY);
        while self.history.len() > most
            && let Some(dropped) = self.history.pop_front()
        {
            self.oldest = dropped.version;
        }
        self.changed.send_replace(self.version);
        self.version
    }
}

fn key_of(object: &Value) -> Key {
    let field = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
    (field("namespace"), field("name"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, phase: &str) -> Value {
        json!({"metadata": {"namespace": "n", "name": name}, "status": {"phase": phase}})
    }

    #[test]
    fn every_write_makes_one_version_and_a_write_of_the_same_makes_none() {
        let mut store = Store::starting_at(100);
        assert_eq!(store.put(Resource::Pods, pod("a", "Pending")), 101);
        assert_eq!(store.put(Resource::Pods, pod("a", "Running")), 102);
        assert_eq!(store.put(Resource::Pods, pod("a", "Running")), 102);
        assert_eq!(
            store.get(Resource::Pods, "n", "a").unwrap()["metadata"]["resourceVersion"],
            "102"
        );
    }

    #[test]
    fn the_history_replays_what_came_after_a_version() {
        let mut store = Store::starting_at(0);
        store.put(Resource::Pods, pod("a", "Pending"));
        store.put(Resource::Events, pod("e", ""));
        store.put(Resource::Pods, pod("a", "Running"));
        store.remove(Resource::Pods, "n", "a");
        let kinds: Vec<ChangeKind> = store
            .since(Resource::Pods, 1)
            .unwrap()
            .iter()
            .map(|change| change.kind)
            .collect();
        assert_eq!(kinds, [ChangeKind::Modified, ChangeKind::Deleted]);
    }

    #[test]
    fn an_older_version_can_be_looked_at_until_the_history_is_forgotten() {
        let mut store = Store::starting_at(0);
        store.put(Resource::Pods, pod("a", "Pending"));
        store.put(Resource::Pods, pod("b", "Pending"));
        store.put(Resource::Pods, pod("a", "Running"));
        store.remove(Resource::Pods, "n", "b");
        let then = store.at_version(Resource::Pods, 2).unwrap();
        assert_eq!(then.len(), 2);
        assert_eq!(
            then[&("n".to_owned(), "a".to_owned())]["status"]["phase"],
            "Pending"
        );
        store.compact();
        assert_eq!(
            store.at_version(Resource::Pods, 2).unwrap_err(),
            TooOld { oldest: 4 }
        );
    }

    #[test]
    fn a_history_longer_than_its_bound_forgets_the_oldest() {
        for (objects, bound) in [
            (1, SHORTEST_HISTORY),
            (100, 100 * HISTORY_PER_OBJECT),
            (300, HISTORY),
        ] {
            let mut store = Store::starting_at(0);
            for number in 0..=HISTORY {
                let name = (number % objects).to_string();
                store.put(Resource::Pods, pod(&name, &number.to_string()));
            }
            let oldest = (HISTORY + 1 - bound) as u64;
            assert!(store.since(Resource::Pods, oldest - 1).is_err());
            assert_eq!(store.since(Resource::Pods, oldest).unwrap().len(), bound);
        }
    }
}
