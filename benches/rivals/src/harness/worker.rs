//! The process of one entrant: it does a round for each line that it reads, and answers with a line.
//!
//! Answers are `ready`, once it knows how much work a round is; the values of a round; or `error` and why.

use super::experiment::{Effort, Entrant, Experiment, Sample, Work};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How the first round of a calibration is sized, and how fast the next ones grow.
const AMOUNT_FIRST: u64 = 1_000;
const GROWTH: u64 = 8;
const AMOUNT_MAX: u64 = 1 << 32;
/// How long a process may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Which entrant a process is, as command line arguments.
#[derive(Debug)]
pub struct Post<'a> {
    pub experiment: &'a str,
    pub entrant: &'a str,
    pub round: Duration,
    pub quick: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// It did not answer in time, or its process died. The others go on without it.
    CutOff(String),
    /// It answered that something is wrong with what it did.
    Wrong(String),
}

/// A running entrant, seen from the harness. Dropping it ends the process.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Worker {
    /// Starts the process.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(post: &Post<'_>) -> Result<Self> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut child = Command::new(program)
            .args(post.quick.then_some("--quick"))
            .args(["--experiment", post.experiment, "--entrant", post.entrant])
            .args(["--round-ms", &post.round.as_millis().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start a process for {}", post.entrant))?;
        let (Some(orders), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("a process for {} was started without its pipes", post.entrant);
        };
        let (answer, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if answer.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, orders: Some(orders), answers })
    }

    /// Waits until the process knows how much work a round is.
    ///
    /// # Errors
    /// It took too long, died, or found something wrong.
    pub fn ready(&mut self, limit: Duration) -> Result<(), Failure> {
        self.answer(limit).map(drop)
    }

    /// Has it do a round.
    ///
    /// # Errors
    /// As for [`ready`](Self::ready).
    pub fn round(&mut self, limit: Duration) -> Result<Vec<f64>, Failure> {
        // A process that died is told by its missing answer.
        let _ = self.orders.as_mut().map(|orders| orders.write_all(b"round\n"));
        let answer = self.answer(limit)?;
        // What is not a number travels as null.
        let values: Result<Vec<Option<f64>>, _> = serde_json::from_str(&answer);
        let values = values.map_err(|_| Failure::Wrong(format!("answered {answer:?}")))?;
        Ok(values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }

    fn answer(&self, limit: Duration) -> Result<String, Failure> {
        match self.answers.recv_timeout(limit) {
            Ok(line) => match line.strip_prefix("error ") {
                Some(reason) => Err(Failure::Wrong(reason.to_owned())),
                None => Ok(line),
            },
            Err(RecvTimeoutError::Timeout) => {
                Err(Failure::CutOff(format!("no answer within {:.1} s", limit.as_secs_f64())))
            }
            Err(RecvTimeoutError::Disconnected) => Err(Failure::CutOff("its process died".to_owned())),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The end of its orders, so that it can put away what it has on disk; it gets a moment for that.
        self.orders = None;
        let begin = Instant::now();
        while begin.elapsed() < FAREWELL && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Both fail only if the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The life of an entrant's process.
///
/// # Errors
/// There is no such entrant, or it cannot answer.
pub fn work(experiments: &[Experiment], post: &Post<'_>) -> Result<()> {
    die_with_parent();
    raise_priority();
    let (experiment, entrant) = find(experiments, post)?;
    let mut out = std::io::stdout().lock();
    let work = match calibrate(entrant, experiment.effort, post.round) {
        Ok(work) => work,
        Err(error) => return Ok(writeln!(out, "error {error:#}")?),
    };
    writeln!(out, "ready")?;
    for line in std::io::stdin().lock().lines() {
        line?;
        match (entrant.run)(work) {
            Ok(sample) => writeln!(out, "{}", serde_json::to_string(&sample.values)?)?,
            Err(error) => return Ok(writeln!(out, "error {error:#}")?),
        }
    }
    Ok(())
}

fn find<'a>(experiments: &'a [Experiment], post: &Post<'_>) -> Result<(&'a Experiment, &'a Entrant)> {
    let experiment = experiments.iter().find(|experiment| experiment.name == post.experiment);
    let experiment = experiment.with_context(|| format!("no experiment is named {}", post.experiment))?;
    let entrant = experiment.entrants.iter().find(|entrant| entrant.name == post.entrant);
    let entrant =
        entrant.with_context(|| format!("{} does not take part in {}", post.entrant, post.experiment))?;
    Ok((experiment, entrant))
}

/// Finds how much work fits into a round, which is also the warm-up.
fn calibrate(entrant: &Entrant, effort: Effort, round: Duration) -> Result<Work> {
    let Effort::Scaled { amount_min, stretch } = effort else { return Ok(Work { amount: 0, round }) };
    let round = round * stretch;
    let mut amount = AMOUNT_FIRST;
    loop {
        let Sample { elapsed, .. } = (entrant.run)(Work { amount, round })?;
        if elapsed >= round / 4 || amount >= AMOUNT_MAX {
            let fits = amount as f64 * round.as_secs_f64() / elapsed.as_secs_f64().max(1e-9);
            return Ok(Work { amount: (fits as u64).clamp(amount_min.max(1), AMOUNT_MAX), round });
        }
        amount *= GROWTH;
    }
}

/// An entrant that hangs must not outlive a harness that was interrupted.
fn die_with_parent() {
    #[cfg(target_os = "linux")]
    // SAFETY: the call takes two numbers and touches no memory of ours.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
}

/// Other work on the machine disturbs less then. Whoever may not do this does without, and whoever was started
/// with a lower priority than usual (`nice`) keeps it: others are not to be disturbed.
fn raise_priority() {
    // SAFETY: the calls take numbers and touch no memory of ours.
    unsafe {
        if libc::getpriority(libc::PRIO_PROCESS, 0) <= 0 {
            libc::setpriority(libc::PRIO_PROCESS, 0, -20);
        }
    }
}
