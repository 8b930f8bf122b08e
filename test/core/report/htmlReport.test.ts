import { describe, expect, it } from 'vitest';
import type { JournalBody, JournalLine } from '../../../src-main/core/journal/line.ts';
import { defaultPolicy } from '../../../src-main/core/recovery/policy.ts';
import { HtmlReport } from '../../../src-main/core/report/htmlReport.ts';
import { decodeSnapshot } from '../../../src-main/journal/snapshot.ts';
import { notHandedDown, withSession } from '../../coordinator/between.ts';
import { Lab, fatal } from '../../coordinator/lab.ts';
import { escaped } from '../../../src-main/core/report/markup.ts';

const device = '0000:01:00.0';

const reportOf = (bodies: readonly JournalBody[]): string => {
  const report = new HtmlReport(() => null);
  bodies.forEach((body, index) => {
    report.add({
      seq: index + 1,
      at: index * 1_000,
      wall: '2026-11-21T02:31:07.000Z',
      ...body,
    } as JournalLine);
  });
  return report.html();
};

const header: JournalBody = {
  type: 'run',
  schema: 1,
  run: '2026-11-21T02-31-07Z-00ff',
  bench: '0.1.0',
  rig: {
    kind: 'simulated',
    name: 'simulated:notify-7.2',
    title: 'Simulated <rig>',
    kernel: '7.2',
    architecture: 'x86_64',
  },
  writer: { pid: 1, started: null },
};

const waiting: JournalBody[] = [
  header,
  {
    type: 'armed',
    device,
    arming: {
      protocol: 'notify',
      policy: defaultPolicy,
      ackTimeout: 60_000_000,
      uevents: 'observable',
      sharers: 0,
    },
  },
  {
    type: 'step',
    device,
    event: { kind: 'signal', at: 2_000, count: 1 },
    reason: 'signalOpens',
    phase: 'errorDetected',
    recovery: 1,
    effects: [],
  },
];

const ended: JournalBody[] = [
  ...waiting,
  {
    type: 'step',
    device,
    event: { kind: 'deviceRemoved', at: 3_000 },
    reason: 'deviceRemoved',
    phase: 'deviceLost',
    recovery: 1,
    effects: [{ kind: 'conclude', recovery: 1, outcome: 'deviceLost', reason: 'deviceRemoved' }],
  },
  { type: 'end', outcome: 'deviceLost' },
];

describe('HtmlReport', () => {
  it('has the facts, one diagram for each recovery and its outcome', () => {
    const html = reportOf(ended);
    expect(html).toContain('<h1>Run 2026-11-21T02-31-07Z-00ff</h1>');
    expect(html.match(/<svg /g)).toHaveLength(1);
    expect(html).toContain('aria-label="Sequence of 0000:01:00.0, recovery 1"');
    expect(html).toContain('deviceLost</b>, 1.0 ms after the signal. The device vanished from the bus.');
    expect(html).toContain('signal, count 1');
  });

  it('says that a recovery is open when the run ends before it does', () => {
    const html = reportOf(waiting);
    expect(html).toContain('open (errorDetected)');
    expect(html).toContain('not in good order: there is no end line');
  });

  it('says that the first line is missing', () => {
    expect(reportOf(ended.slice(1))).toContain('unknown: the first line is missing');
  });

  it('loads nothing and runs nothing', () => {
    const html = reportOf(ended);
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(html).not.toMatch(/<script|<link|<img|<iframe|\bon\w+=|url\((?!#)/i);
  });

  it('shows what a journal says as text, whatever it is', () => {
    const attack = `</td><script>alert("x")</script>`;
    const html = reportOf([...ended, { type: 'kernelLog', device, text: attack }]);
    expect(html).not.toContain('<script>');
    expect(html).toContain(escaped(attack));
    expect(html).toContain('Simulated &lt;rig&gt;');
  });

  it('keeps a huge run readable, and says what it left out', () => {
    const flood = Array.from({ length: 30_000 }, (): JournalBody => ({
      type: 'kernelLog',
      device: null,
      text: 'again',
    }));
    const html = reportOf([...ended, ...flood]);
    expect(html).toMatch(/\d+ more rows are in the journal\./);
    expect(html.length).toBeLessThan(4_000_000);
  });
});

describe('the state restore in the report', () => {
  const reportUntil = async (until: 'afterReset' | 'end'): Promise<string> => {
    const lab = new Lab({ between: (rig) => withSession(rig, notHandedDown) });
    try {
      await lab.arm({
        decision: 'ackWhenQuiesced',
        afterReset: until === 'end' ? 'reinitialise' : 'wait',
      });
      await lab.hit(fatal);
      await lab.until(until, () =>
        lab.linesOf('snapshot').some(({ moment, view }) => moment === until && view === 'hardware'),
      );
      const report = new HtmlReport((line) => {
        const bytes = decodeSnapshot(line.bytes);
        return bytes.ok ? bytes.value : null;
      });
      report.add({ seq: 0, at: 0, wall: '2026-11-21T02:31:07.000Z', ...header } as JournalLine);
      for (const line of lab.lines) if (line.type !== 'run') report.add(line);
      return report.html();
    } finally {
      await lab.close();
    }
  };

  it('has each step in kernel order, and a register with its values, provenance and verdict', async () => {
    const html = await reportUntil('end');
    expect(html.match(/<table class="restore">/g)).toHaveLength(1);
    expect(html).toContain('by the steps of Linux 7.2');
    const order = ['pci_restore_pcie_state', 'pci_restore_config_space', 'pci_enable_acs'];
    const places = order.map((name) => html.indexOf(`<th scope="row">${name}</th>`));
    expect(places).toEqual([...places].sort((one, other) => one - other));
    expect(places[0]).toBeGreaterThan(0);
    expect(html).toMatch(
      /PCI Express: DevCtl<\/td>(?:<td class="same">=<\/td>)*<td class="same">0x000f<\/td>.*?≠ 0x0000.*?↩ 0x000f.*?user space \(proved\).*?restored/,
    );
  });

  it('spells out hazards that are still there, with what to do', async () => {
    const html = await reportUntil('afterReset');
    expect(html).toContain('Hazard: BARs are zero in hardware.');
    expect(html).toContain('<b>Do:</b> Write COMMAND through VFIO');
  });

  it('is left out when nothing was read', () => {
    expect(reportOf(ended)).not.toContain('State restore');
  });
});

describe('escaped', () => {
  it('lets no character through that ends a tag, an attribute or the document', () => {
    expect(escaped(`<a href='x' title="y">&\u0000`)).toBe(
      '&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;\ufffd',
    );
  });
});
