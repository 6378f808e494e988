//! The recorded tour: the program plays it without hands, and what is on the first page shows each of its stations.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

const SOPWATCH: &str = env!("CARGO_BIN_EXE_sopwatch");

/// Seconds: long enough to see, short enough to be seen to its end.
const LENGTH: std::ops::RangeInclusive<f64> = 30.0..=50.0;

/// Bytes of the animated picture at most.
const LARGEST: usize = 600_000;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A recording of a terminal as it was seen: what showed at the end of each station, by the station's words.
struct Recording {
    duration: f64,
    stations: Vec<(String, String)>,
}

fn read(text: &str) -> Recording {
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let header = lines.next().unwrap();
    assert_eq!(header["version"], 2);
    let side = |name: &str| u16::try_from(header[name].as_u64().unwrap()).unwrap();
    let mut screen = vt100::Parser::new(
        side("height").try_into().unwrap(),
        side("width").try_into().unwrap(),
        0,
    );
    let mut stations: Vec<(String, String)> = Vec::new();
    let mut last = 0.0;
    for event in lines {
        let (at, kind, data) = (event[0].as_f64().unwrap(), &event[1], event[2].as_str().unwrap());
        assert!(at >= last, "time goes back from {last} to {at}");
        last = at;
        if kind == "m" {
            stations.push((data.to_owned(), String::new()));
        } else {
            assert_eq!(kind, "o");
            screen.process(data.as_bytes());
            stations.last_mut().unwrap().1 = screen.screen().contents();
        }
    }
    Recording {
        duration: header["duration"].as_f64().unwrap(),
        stations,
    }
}

/// Words that the picker, the page, the confirmation and so on have, whatever the incident.
const SHOWN: [&[&str]; 6] = [
    &["RESTART THE PODS", "fires for", "✘ NONE"],
    &[
        "Choose an SOP",
        "Managed Services API down",
        "alert fires · restart the pods",
    ],
    &[
        "Why",
        "What to do",
        "All rules, in order: the first true one decides",
    ],
    &[
        "Restart all 3 pods, one by one?",
        "[ Cancel ]",
        "Dry run OK",
        "2 of 3 pods keep serving",
    ],
    &["it worked", "3 of 3 ready"],
    &[
        "$ sopwatch report",
        "# Incident: ",
        "- Cause: ",
        "- Outcome: ",
        "## Evidence",
    ],
];

#[test]
fn the_recorded_tour_shows_each_station_of_its_script() {
    let script: toml::Table = fs::read_to_string(file("assets/tour.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let stations = script["station"].as_array().unwrap();
    let captions = stations.iter().chain([&script["report"]]);
    let captions: Vec<_> = captions.map(|one| one["caption"].as_str().unwrap()).collect();
    let recording = read(&fs::read_to_string(file("screenshots/tour.cast")).unwrap());
    let shown: Vec<_> = recording
        .stations
        .iter()
        .map(|(caption, _)| caption.as_str())
        .collect();
    assert_eq!(shown, captions, "re-make it with .ci/screenshots tour");
    for ((caption, screen), words) in recording.stations.iter().zip(SHOWN) {
        for word in words {
            assert!(screen.contains(word), "{word} is not in `{caption}`:\n{screen}");
        }
    }
    assert!(LENGTH.contains(&recording.duration), "{} s", recording.duration);
    let picture = fs::read_to_string(file("screenshots/tour.svg")).unwrap();
    assert!(picture.len() <= LARGEST, "{} bytes", picture.len());
    assert!(picture.contains("@keyframes"));
    for caption in captions {
        assert!(picture.contains(&format!(">{caption}</text>")), "{caption}");
    }
    let total = format!(" {:.1}s step-end infinite", recording.duration);
    assert!(
        picture.contains(&total),
        "the picture and the recording are of one run"
    );
}

/// Runs a tour of this script on a drill: exit status, what it says, and the file without its ending.
fn recorded(script: &str, folder: &Path) -> (i32, String, PathBuf) {
    let (path, name) = (folder.join("script.toml"), folder.join("film"));
    fs::write(&path, script).unwrap();
    let mut command = Command::new(SOPWATCH);
    command
        .args([
            "drill",
            "no-kafka-leader",
            "--speed",
            "20",
            "--size",
            "100x30",
            "--script",
        ])
        .arg(&path)
        .arg("--tour")
        .arg(&name)
        .env_clear()
        .env("HOME", folder);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said, name)
}

#[test]
fn a_tour_of_ones_own_is_played_without_hands_and_recorded_twice() {
    let folder = tempfile::tempdir().unwrap();
    let script = "still = 0\n[[station]]\ncaption = 'one'\nuntil = 'fires for'\nwithin = 60\nlasts = 1\nhold = 0.1\n\
                  [[station]]\ncaption = 'two'\nkeys = 'esc w'\nuntil = 'What to do'\nwithin = 30\nlasts = 1\nhold = 0.1\n\
                  [report]\ncaption = 'three'\nhold = 1\n";
    let (status, said, name) = recorded(script, folder.path());
    assert_eq!(status, 0, "{said}");
    let recording = read(&fs::read_to_string(name.with_extension("cast")).unwrap());
    let shown: Vec<_> = recording
        .stations
        .iter()
        .map(|(caption, _)| caption.as_str())
        .collect();
    assert_eq!(shown, ["one", "two", "three"]);
    for ((_, screen), word) in recording
        .stations
        .iter()
        .zip(["fires for", "What to do", "# Incident: "])
    {
        assert!(screen.contains(word), "{screen}");
    }
    // What waiting took is shown in the seconds that the script grants.
    assert!(recording.duration <= 3.5, "{} s", recording.duration);
    let picture = fs::read_to_string(name.with_extension("svg")).unwrap();
    assert!(picture.starts_with("<svg ") && picture.contains(">three</text>"));
    // Its record is the drill's, and gone with it.
    assert!(!folder.path().join(".local").exists());
}

#[test]
fn a_tour_that_can_not_go_on_says_where_and_what_the_screen_shows() {
    let folder = tempfile::tempdir().unwrap();
    let script = "still = 0\n[[station]]\ncaption = 'one'\nuntil = 'never shown'\nwithin = 1\nlasts = 1\nhold = 0\n\
                  [report]\ncaption = 'two'\nhold = 1\n";
    let (status, said, name) = recorded(script, folder.path());
    assert_eq!(status, 1);
    for word in ["did not show `never shown` within 1 s at `one`", "DRILL"] {
        assert!(said.contains(word), "{word} is not in\n{said}");
    }
    assert!(!name.with_extension("svg").exists());
    let (status, said, _) = recorded("still = 0\nstations = 1\n", folder.path());
    assert_eq!(status, 1);
    assert!(said.contains("script.toml:2: stations: unknown key"), "{said}");
}
