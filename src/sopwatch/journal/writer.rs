//! The writer of a record, on a thread of its own: a disk may hang, and the console must not.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot, watch};

use super::chain::{START, encode};
use super::lock::LockedFile;
use super::reader::{parse, read, read_open};
use super::{Journal, WriteRequest};
use sopwatch_core::record::{Entry, Line};
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// Whether the writing works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteState {
    /// Why it fails, if it does.
    pub failing: Option<SafeText>,
    /// Lines that were lost so far.
    pub lost: u64,
}

/// How a record is opened.
#[derive(Clone, Debug, PartialEq)]
pub enum OpenMode {
    /// A new record is begun.
    New(NewRecord),
    /// An existing record is resumed.
    Resume {
        /// Its file.
        file: PathBuf,
        /// The line that is written first.
        joined: Line,
        /// The new record that is begun if this one can't be resumed.
        otherwise: NewRecord,
    },
}

/// A record that is to be begun.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRecord {
    /// The folder, which is made where there is none.
    pub folder: PathBuf,
    /// The file's name without its ending; where it is taken, a number is added.
    pub name: String,
    /// The first line.
    pub began: Line,
}

/// A record that was opened.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedRecord {
    /// Its file.
    pub file: PathBuf,
    /// The lines it held before; where a new one was begun instead, the readable lines of the old one.
    pub lines: Vec<Line>,
    /// Why a new one was begun, where an old one should have been resumed.
    pub instead: Option<SafeText>,
}

/// A record that is being opened and written.
#[derive(Debug)]
pub struct RecordHandle {
    /// The console's end: lines wait until the record is open.
    pub journal: Journal,
    /// Whether the writing works.
    pub state: watch::Receiver<WriteState>,
    /// Gets the record when it is open.
    pub opened: oneshot::Receiver<OpenedRecord>,
    /// Ends when every [`Journal`] is gone and all is written.
    pub thread: JoinHandle<()>,
}

/// The disk that lines are written to: a file, or in tests one that fails.
pub(super) trait Disk: Send + 'static {
    /// Writes at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Waits until all is on disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts to so many bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Disk for LockedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file().write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file().sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file().set_len(length)?;
        self.file().seek(SeekFrom::Start(length)).map(|_| ())
    }
}

/// Opens a record and writes to it, on a thread. While it can't be opened, each line that comes is a reason to try again.
pub fn open(mode: OpenMode) -> RecordHandle {
    let (journal, requests) = Journal::new();
    let (publish, state) = watch::channel(WriteState::default());
    let (tell, opened) = oneshot::channel();
    let thread = thread::spawn(move || run(mode, requests, publish, tell));
    RecordHandle {
        journal,
        state,
        opened,
        thread,
    }
}

fn run(
    mode: OpenMode,
    mut requests: mpsc::Receiver<WriteRequest>,
    publish: watch::Sender<WriteState>,
    tell: oneshot::Sender<OpenedRecord>,
) {
    let mut lost = 0;
    loop {
        let why = match open_at(&mode) {
            Ok((disk, opened)) => {
                let mut writer = RecordWriter::new(disk, publish);
                writer.lose(lost);
                // A console that is gone needs no answer.
                let _ = tell.send(opened);
                return writer.run(requests);
            }
            Err(why) => why,
        };
        let state = WriteState {
            failing: Some(why.clone()),
            lost,
        };
        publish.send_replace(state);
        match requests.blocking_recv() {
            None => return,
            Some(WriteRequest::Write(lines)) => lost += lines.len() as u64,
            Some(WriteRequest::Lost(lines)) => lost += lines,
            Some(WriteRequest::Commit(_, answer)) => {
                lost += 1;
                // Who asked may be gone.
                let _ = answer.send(Err(why));
            }
            Some(WriteRequest::Flush(answer)) => {
                let _ = answer.send(());
            }
        }
    }
}

/// An open record file, with what is needed to append to it.
struct OpenFile {
    file: LockedFile,
    chain: String,
    good: u64,
}

fn open_at(mode: &OpenMode) -> Result<(OpenFile, OpenedRecord), SafeText> {
    let (new, lines, instead) = match mode {
        OpenMode::New(new) => (new, Vec::new(), None),
        OpenMode::Resume {
            file,
            joined,
            otherwise,
        } => match resume(file, joined) {
            Ok((page, lines)) => {
                let opened = OpenedRecord {
                    file: file.clone(),
                    lines,
                    instead: None,
                };
                return Ok((page, opened));
            }
            Err(why) => {
                let lines = read(file).map_or(Vec::new(), |contents| contents.lines);
                (otherwise, lines, Some(why))
            }
        },
    };
    let (file, page) = begin(new)?;
    let opened = OpenedRecord { file, lines, instead };
    Ok((page, opened))
}

fn begin(new: &NewRecord) -> Result<(PathBuf, OpenFile), SafeText> {
    let folder = &new.folder;
    let failed = |why: io::Error| safe!("can't create a record in {}: {why}", folder.display());
    let mut builder = DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed)?;
    let (text, chain) = encode(START, &new.began).map_err(|why| failed(why.into()))?;
    let (path, file) = create(folder, &new.name).map_err(failed)?;
    let mut file = LockedFile::new(file, &path)?;
    let written = file
        .append(text.as_bytes())
        .and_then(|()| file.sync())
        .and_then(|()| File::open(folder)?.sync_all());
    if let Err(why) = written {
        // An empty record would be offered for ever.
        let _ = fs::remove_file(&path);
        return Err(failed(why));
    }
    let good = text.len() as u64;
    Ok((path, OpenFile { file, chain, good }))
}

/// Resumes a record; `joined` is written first. A partially written last line is moved to a side file.
fn resume(path: &Path, joined: &Line) -> Result<(OpenFile, Vec<Line>), SafeText> {
    let failed = |why: io::Error| safe!("the record {} can't be continued: {why}", path.display());
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed)?;
    let mut file = LockedFile::new(file, path)?;
    // A copy may have come readable for all. Where it belongs to somebody else, they decide.
    let _ = file.file().set_permissions(fs::Permissions::from_mode(0o600));
    let bytes = read_open(file.file()).map_err(failed)?;
    let contents = parse(&bytes);
    if let Some(broken) = &contents.broken {
        let why = format!("line {} is damaged ({})", broken.line, broken.why);
        return Err(failed(io::Error::other(why)));
    }
    if contents.torn.is_some() {
        let whole = usize::try_from(contents.whole).unwrap_or(usize::MAX);
        set_aside(path, bytes.get(whole..).unwrap_or_default()).map_err(failed)?;
    }
    file.cut(contents.whole).map_err(failed)?;
    let (text, chain) = encode(&contents.chain, joined).map_err(|why| failed(why.into()))?;
    file.append(text.as_bytes())
        .and_then(|()| file.sync())
        .map_err(failed)?;
    let good = contents.whole + text.len() as u64;
    Ok((OpenFile { file, chain, good }, contents.lines))
}

/// Adds a last line to a record that no console writes.
pub(super) fn add(path: &Path, line: &Line) -> Result<(), SafeText> {
    resume(path, line).map(|_| ())
}

fn create(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    for number in 1.. {
        let suffix = if number == 1 {
            String::new()
        } else {
            format!("-{number}")
        };
        let path = folder.join(format!("{name}{suffix}.jsonl"));
        let made = OpenOptions::new()
            .create_new(true)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path);
        match made {
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {}
            other => return other.map(|file| (path, file)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Keeps the partial last line of a console that was killed, in a side file.
fn set_aside(path: &Path, torn: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path.with_extension("torn"))?;
    file.write_all(torn)?;
    file.write_all(b"\n")
}

/// Writes the lines of one record, each chained to the one before.
pub(super) struct RecordWriter<D> {
    /// The file.
    pub(super) disk: D,
    /// The hash of the last line, which the next one carries on.
    pub(super) chain: String,
    /// Bytes of whole lines on disk: after a failure all behind them goes.
    pub(super) good: u64,
    /// Whether something is behind them that could not be cut off.
    pub(super) torn: bool,
    /// Lines that could not be written, in all.
    pub(super) lost: u64,
    /// Lost lines that no line reports yet.
    pub(super) unsaid: u64,
    /// The console sees here whether the writing fails.
    pub(super) publish: watch::Sender<WriteState>,
}

impl RecordWriter<LockedFile> {
    fn new(page: OpenFile, publish: watch::Sender<WriteState>) -> Self {
        Self {
            disk: page.file,
            chain: page.chain,
            good: page.good,
            torn: false,
            lost: 0,
            unsaid: 0,
            publish,
        }
    }
}

impl<D: Disk> RecordWriter<D> {
    /// Carries out requests until nobody can make one any more. It blocks: it has a thread of its own.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<WriteRequest>) {
        while let Some(request) = requests.blocking_recv() {
            self.take(request);
        }
        // Nobody is left to tell.
        let _ = self.disk.sync();
    }

    /// Carries out one request.
    pub(super) fn take(&mut self, request: WriteRequest) {
        match request {
            WriteRequest::Write(lines) => {
                let matters = lines
                    .iter()
                    .any(|line| !matches!(line.entry, Entry::Observation(_)));
                let mut result = Ok(());
                for line in &lines {
                    match self.write(line) {
                        Ok(()) => {}
                        Err(why) => {
                            self.lose(1);
                            result = Err(why);
                        }
                    }
                }
                let result = result.and_then(|()| if matters { self.disk.sync() } else { Ok(()) });
                self.tell(result.err());
            }
            WriteRequest::Commit(line, answer) => {
                let written = self.write(&line).and_then(|()| self.disk.sync());
                if written.is_err() {
                    self.lose(1);
                }
                let failed = written.as_ref().map_err(|why| SafeText::new(&why.to_string()));
                // Who asked may be gone.
                let _ = answer.send(failed.copied());
                self.tell(written.err());
            }
            WriteRequest::Flush(answer) => {
                // Who asked may be gone.
                let _ = answer.send(());
            }
            WriteRequest::Lost(lines) => {
                self.lose(lines);
                self.tell(None);
            }
        }
    }

    fn lose(&mut self, lines: u64) {
        self.lost += lines;
        self.unsaid += lines;
    }

    /// Writes a line, and before it one that reports lost ones; if that fails, nothing of it stays.
    fn write(&mut self, line: &Line) -> io::Result<()> {
        if self.unsaid > 0 {
            let entry = Entry::Lost {
                entries: self.unsaid,
                why: SafeText::new("the disk failed, or too many came at once"),
            };
            self.append(&Line { at: line.at, entry })?;
            self.unsaid = 0;
        }
        self.append(line)
    }

    fn append(&mut self, line: &Line) -> io::Result<()> {
        // Half a line in the middle would break the chain for ever.
        if self.torn {
            self.disk.cut(self.good)?;
            self.torn = false;
        }
        let (text, chain) = encode(&self.chain, line)?;
        if let Err(why) = self.disk.append(text.as_bytes()) {
            self.torn = self.disk.cut(self.good).is_err();
            return Err(why);
        }
        self.good += text.len() as u64;
        self.chain = chain;
        Ok(())
    }

    fn tell(&self, failing: Option<io::Error>) {
        let failing = failing.map(|why| SafeText::new(&why.to_string()));
        let state = WriteState {
            failing,
            lost: self.lost,
        };
        self.publish.send_if_modified(|known| {
            let differs = *known != state;
            *known = state;
            differs
        });
    }
}
