import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contentOf, jsonLines, temporaryFolder, terminal } from './terminal.ts';

const commands: readonly (readonly [string, readonly string[]])[] = [
  ['', ['rigs', 'devices', 'inject', 'scenario', 'journal', 'explain', 'Exit codes: 0 as expected']],
  ['rigs', ['--json']],
  ['rig', ['build', 'start']],
  ['rig build', ['<architecture>', '--kernel', '--update', '--json']],
  ['rig start', ['<architecture>', '--kernel', '--topology', '--driver', '--parameter', '--once', '--json']],
  ['devices', ['--rig', '--topology', '--json']],
  [
    'inject',
    ['<address>', '--rig', '--seed', '--speed', '--runs', '--no-journal', '--json', '--error', '--severity'],
  ],
  ['inject', ['--zpci', '--protocol', '--policy', '--for', 'ackWhenQuiesced']],
  ['scenario', ['list', 'show', 'run']],
  ['scenario list', ['--json']],
  ['scenario show', ['<name>', '--json']],
  ['scenario run', ['[name]', '--all', '--rig', '--seed', '--speed', '--runs', '--no-journal', '--json']],
  ['journal', ['list', 'show', 'verify', 'replay', 'export']],
  ['journal list', ['--runs', '--json']],
  ['journal show', ['<run>', '--runs', '--json']],
  ['journal verify', ['<run>', '--repair', '--runs', '--json']],
  ['journal replay', ['<run>', '--runs', '--json']],
  ['journal export', ['<run>', '<file>', '--runs', '--json']],
  ['restore', ['audit']],
  ['restore audit', ['[run]', '--device', '--recovery', '--only', '--runs', '--json']],
  ['config', ['show', 'diff']],
  ['config show', ['[run]', '--at', '--device', '--view', '--runs', '--json']],
  ['config diff', ['<from>', '<to>', '[run]', '--device', '--view', '--runs', '--json']],
  ['explain', ['<code>', '--json']],
];

describe('--help', () => {
  it.each(commands)('rbench %s --help exits 0 and describes %j', async (command, words) => {
    const { exit, out, err } = await terminal().rbench(`${command} --help`);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    for (const word of words) expect(out).toContain(word);
    // Each option and argument is followed by what it means.
    for (const line of out.split('\n')) {
      if (/^ {2}(-|--|<|\[)\S/.test(line)) expect(line).toMatch(/^ {2}\S.*\S {2,}\S/);
    }
  });

  it.each(['help', 'help scenario', '--version', '-h'])('rbench %s exits 0', async (words) => {
    expect(await terminal().rbench(words)).toMatchObject({ exit: 0, err: '' });
  });

  it.each(['', 'scenario', 'journal'])(
    'rbench %s alone says on standard error what there is, and exits 2',
    async (words) => {
      const { exit, out, err } = await terminal().rbench(words);
      expect({ exit, out }).toEqual({ exit: 2, out: '' });
      expect(err).toMatch(/^Usage: rbench/);
    },
  );
});

const file = (name: string): string => join(temporaryFolder(), name);

/** Words, exit code, and what the sentence has to say. */
const refused: readonly (readonly [string, number, RegExp])[] = [
  ['bogus', 2, /Unknown command 'bogus'/],
  ['rigs --bogus', 2, /Unknown option '--bogus'/],
  ['rigs extra', 2, /Too many arguments/],
  ['devices --rig local:x', 2, /There is no rig "local:x"; use simulated/],
  ['devices --rig simulated:7.9', 2, /There is no kernel profile "7\.9"; there are stock-6\.1, /],
  ['devices --rig simulated:eeh:x', 2, /There is no rig/],
  ['devices --rig simulated:__proto__', 2, /There is no kernel profile/],
  ['devices --rig ssh:', 2, /"" has no host/],
  ['devices --rig ssh:-oProxyCommand=id', 2, /"-oProxyCommand=id" has no host .*user@host:port\./],
  ['devices --rig ssh:ada@lab:ssh --copy-agent', 2, /has no port from 1 to 65535/],
  ['devices --rig ssh:lab --speed 2', 2, /--speed and --seed are for simulated rigs/],
  ['devices --rig virtual:arm', 2, /There is no rig "virtual:arm"; use virtual:x86/],
  ['devices --rig virtual:x86:ring', 2, /There is no guest topology "ring"; there are single, /],
  [
    'devices --rig virtual:x86@never-built',
    3,
    /"never-built".* is not built; run "rbench rig build x86 --kernel/,
  ],
  ['devices --rig virtual:x86 --seed 1', 2, /--speed and --seed are for simulated rigs/],
  ['devices --rig virtual:x86 --topology single', 2, /--topology is for simulated rigs/],
  ['rig build ppc64', 2, /There is no image for "ppc64"/],
  ['rig start x86 --topology ring', 2, /There is no guest topology "ring"/],
  ['rig start x86 --driver nvme', 2, /The driver "nvme" is none of/],
  ['rig start x86 --parameter ack_timeout_ms', 2, /"ack_timeout_ms" is no parameter; write NAME=VALUE/],
  ['rig start x86 --kernel ../x', 2, /There is no rig/],
  ['scenario run notify-withdrawn --ack-timeout soon', 2, /"soon" is no duration/],
  ['scenario run --all --rig local', 2, /--all is for simulated and virtual rigs/],
  ['devices --topology ring', 2, /There is no topology "ring"/],
  ['devices --topology zpci', 2, /of another platform than simulated:notify-7\.2/],
  ['devices --speed 0', 2, /The speed "0" is neither/],
  ['devices --speed -1', 2, /The speed "-1" is neither/],
  ['devices --speed Infinity', 2, /The speed "Infinity"/],
  ['devices --speed 1e9', 2, /The speed "1e9"/],
  ['devices --speed 0.0000001', 2, /The speed "0\.0000001"/],
  ['devices --seed -1', 2, /The seed "-1"/],
  ['devices --seed 1.5', 2, /The seed "1\.5"/],
  ['devices --seed 4294967296', 2, /The seed "4294967296"/],
  ['scenario run', 2, /Name one scenario/],
  ['scenario run notify-withdrawn --all', 2, /Name one scenario/],
  ['scenario run no-such-story', 2, /There is no scenario "no-such-story"; "rbench scenario list"/],
  ['scenario show no-such-story', 2, /There is no scenario/],
  ['scenario run /nowhere/story.yaml', 2, /cannot be read \(ENOENT\)/],
  ['scenario run notify-withdrawn --speed fast', 2, /The speed "fast"/],
  [
    'scenario run mediated-recovery --rig simulated:stock-6.1',
    3,
    /does not offer the mediated protocol; it offers legacy/,
  ],
  [
    'scenario run notify-withdrawn --rig simulated:stock-7.2',
    3,
    /does not offer the notify protocol; it offers legacy/,
  ],
  ['scenario run eeh-freeze-and-recover --rig simulated:zpci-7.3', 3, /does not offer the eeh protocol/],
  ['inject', 2, /Missing required argument 'address'/],
  ['inject 01:00', 2, /"01:00" is not a PCI address/],
  ['inject 0000:99:00.0', 2, /has no device 0000:99:00\.0; "devices" lists/],
  ['inject 0000:01:00.0 --error TYPO', 2, /There is no AER error "TYPO"/],
  ['inject 0000:01:00.0 --severity worst', 2, /The severity "worst" is none of/],
  ['inject 0000:01:00.0 --error COMP_TIME --severity correctable', 2, /COMP_TIME is an uncorrectable error/],
  ['inject 0000:01:00.0 --policy maybe', 2, /The policy "maybe" is none of/],
  ['inject 0000:01:00.0 --protocol telepathy', 2, /The protocol "telepathy" is none of/],
  ['inject 0000:01:00.0 --for ever', 2, /"ever" is no duration/],
  ['inject 0000:01:00.0 --zpci unmapped', 2, /--zpci says nothing to an x86 rig/],
  ['inject 1234:00:00.0 --rig simulated:zpci-7.3 --error ECRC', 2, /--error says nothing to an s390x rig/],
  ['inject 0001:01:00.0 --rig simulated:eeh --severity fatal', 2, /--severity says nothing to a POWER rig/],
  ['inject 0000:01:00.0 --protocol mediated', 3, /offers notify, legacy, not mediated/],
  ['inject 0000:01:00.0 --rig simulated:stock-7.2 --protocol notify', 3, /offers legacy, not notify/],
  ['inject 0000:00:04.0', 3, /is a bridge/],
  ['inject 0000:08:00.0', 3, /root file system/],
  ['journal show nonsense', 2, /"nonsense" is not the name of a run/],
  ['journal show ../../etc/passwd', 2, /is not the name of a run/],
  ['journal show 2026-11-21T02-31-07Z-5f0a', 2, /There is no run 2026-11-21T02-31-07Z-5f0a in /],
  ['journal replay last', 2, /There is no run in .* yet/],
  ['journal verify /nowhere/run.jsonl --repair', 2, /There is no file \/nowhere\/run\.jsonl/],
  [`journal export last ${file('copy.jsonl')}`, 2, /There is no run in /],
  ['restore audit last', 2, /There is no run in .* yet/],
  ['restore audit last --only some', 2, /--only takes all, lost, hazards, not "some"/],
  ['config show nonsense', 2, /"nonsense" is not the name of a run/],
  ['config diff armed', 2, /Missing required argument 'to'/],
  ['config diff armed end last --view both', 2, /--view takes vfio or hardware, not "both"/],
  ['explain', 2, /Missing required argument 'code'/],
  ['explain balderdash', 2, /Nothing is known about "balderdash"/],
];

describe('what cannot be', () => {
  it.each(refused)(
    'rbench %s exits %i with one sentence, and changes nothing',
    async (words, code, sentence) => {
      const { runs, rbench } = terminal();
      const { exit, out, err } = await rbench(words);
      expect({ exit, out }).toEqual({ exit: code, out: '' });
      expect(err).toMatch(/^rbench: [^\n]+[.)]\n$/);
      expect(err).toMatch(sentence);
      expect(contentOf(runs)).toBeNull();
    },
  );

  it.each(refused)(
    'rbench %s --json exits %i and says the same as one object',
    async (words, code, sentence) => {
      const { exit, out, err } = await terminal().rbench(`${words} --json`);
      expect({ exit, out }).toEqual({ exit: code, out: '' });
      const [line, ...more] = jsonLines(err);
      expect(more).toEqual([]);
      expect(Object.keys(line ?? {})).toEqual(['type', 'error']);
      expect(line).toMatchObject({ type: 'error', error: { message: expect.stringMatching(sentence) } });
    },
  );

  it('leaves the runs that are there as they are', async () => {
    const { runs, rbench } = terminal();
    await rbench('scenario run notify-withdrawn');
    const before = contentOf(runs);
    expect(Object.keys(before ?? {})).toHaveLength(1);
    for (const [words, code] of refused) {
      if (/ last\b/.test(words)) continue;
      expect({ words, exit: (await rbench(words)).exit }).toEqual({ words, exit: code });
    }
    expect(contentOf(runs)).toEqual(before);
  });

  it('a rig that cannot write its journal exits 3 before anything is armed', async () => {
    const { rbench } = terminal();
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, '');
    for (const words of ['scenario run notify-withdrawn', 'inject 0000:01:00.0', 'scenario run --all']) {
      const { exit, out, err } = await rbench(`${words} --runs ${path}/runs`);
      expect({ exit, out }).toEqual({ exit: 3, out: '' });
      expect(err).toMatch(/^rbench: The journal .* cannot be written: [^\n]* \[ENOTDIR 20\]\n$/);
    }
  });
});
