import { replayJournal } from '../../src-main/journal/replayJournal.ts';

/** Replays the journal of its first argument in a process of its own, so that its memory is the replay's and nothing else's. */
const started = performance.now();
const replayed = await replayJournal(process.argv[2] ?? '');
const seconds = (performance.now() - started) / 1_000;
if (!replayed.ok) throw new Error(replayed.error.message);
const { replay, summary } = replayed.value;
process.stdout.write(
  JSON.stringify({
    seconds,
    lines: summary.lines,
    findings: summary.findings,
    divergences: replay.divergenceCount(),
    // Linux gives the peak resident set of the whole process in KiB (getrusage(2)).
    peakMegabytes: Math.round((process.resourceUsage().maxRSS * 1024) / 1e6),
  }),
);
