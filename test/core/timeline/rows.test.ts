import { describe, expect, it } from 'vitest';
import type { JournalBody, JournalLine } from '../../../src-main/core/journal/line.ts';
import type { AutomaticReport } from '../../../src-main/core/recovery/reports.ts';
import { rowsOf } from '../../../src-main/core/timeline/rows.ts';

const line = (body: JournalBody): JournalLine =>
  ({ seq: 7, at: 5_000, wall: '2026-11-21T02:31:07.000Z', ...body }) as JournalLine;

const device = '0000:01:00.0';

describe('rowsOf', () => {
  it('draws a signal from kernel to bench, says why, and names the phase it begins', () => {
    const rows = rowsOf(
      line({
        type: 'step',
        device,
        event: { kind: 'signal', at: 4_000, count: 1 },
        reason: 'signalOpens',
        phase: 'errorDetected',
        recovery: 1,
        effects: [
          { kind: 'snapshot', recovery: 1, moment: 'duringWait' },
          { kind: 'inspect', recovery: 1 },
        ],
      }),
      'armed',
    );
    expect(rows).toEqual([
      {
        at: 4_000,
        device,
        from: 'kernel',
        to: 'bench',
        text: 'signal, count 1',
        tone: 'error',
        phase: 'errorDetected',
        why: 'The kernel signalled the error eventfd: an error was detected, and a recovery is open.',
      },
      {
        at: 4_000,
        device,
        from: 'bench',
        to: 'device',
        text: 'read the error registers',
        tone: 'plain',
        why: '',
        phase: null,
      },
    ]);
  });

  it('says of a signal that was acked at once why nothing was read in its wait', () => {
    const answered: AutomaticReport = {
      at: 4_001,
      inspection: { ok: true, value: { severity: 'fatal', errors: [] } },
      quiesce: { succeeded: true, actions: [] },
      acknowledge: { kind: 'taken' },
    };
    const signalled = (report: AutomaticReport): JournalLine =>
      line({
        type: 'step',
        device,
        event: { kind: 'signal', at: 4_000, count: 1, answered: report },
        reason: 'signalOpens',
        phase: 'errorDetected',
        recovery: 1,
        effects: [],
      });
    expect(rowsOf(signalled(answered), 'armed')[0]?.why).toContain('config space was not read');
    const withheld: AutomaticReport = { ...answered, acknowledge: { kind: 'withheld' } };
    expect(rowsOf(signalled(withheld), 'armed')[0]?.why).not.toContain('config space');
  });

  it('names a phase only when it begins', () => {
    const body: JournalBody = {
      type: 'step',
      device,
      event: { kind: 'uevent', at: 4_000, uevent: 'beginRecovery' },
      reason: 'kernelBegins',
      phase: 'resetting',
      recovery: 1,
      effects: [],
    };
    expect(rowsOf(line(body), 'resetting').map((row) => row.phase)).toEqual([null]);
    expect(rowsOf(line(body), 'awaitingAck').map((row) => row.phase)).toEqual(['resetting']);
  });

  it('keeps the errno of what the kernel refused', () => {
    const error = { code: 'busy', message: 'Try again.', errno: { number: 11, name: 'EAGAIN' } } as const;
    const [row] = rowsOf(
      line({
        type: 'step',
        device,
        event: { kind: 'resetFinished', at: 4_000, recovery: 1, result: { ok: false, error } },
        reason: 'resetBusy',
        phase: 'resetting',
        recovery: 1,
        effects: [],
      }),
      'resetting',
    );
    expect(row?.text).toBe('reset: EAGAIN, Try again.');
    expect(row?.tone).toBe('error');
  });

  it('says which fault was injected, and where it got lost', () => {
    const request = {
      address: device,
      injector: 'simulated',
      fault: { kind: 'aer', error: 'MALF_TLP', severity: 'fatal' },
    };
    const delivery = { kind: 'lost', where: 'serr', detail: 'COMMAND.SERR is off.' };
    const texts = (receipt: unknown): string[] =>
      rowsOf(line({ type: 'fault', device, request, receipt }), 'armed').map((row) => row.text);
    expect(texts(null)).toEqual(['inject fatal MALF_TLP']);
    expect(texts({ delivery: { kind: 'reported', detail: '' } })).toEqual([]);
    expect(texts({ delivery })).toEqual(['the fault got lost (serr): COMMAND.SERR is off.']);
  });

  it('says who approved a marking run, what was written, and why the old values are back', () => {
    const text = (operation: string, detail?: unknown): string | undefined =>
      rowsOf(line({ type: 'operation', device, operation, result: 'done', detail }), 'armed')[0]?.text;
    const did = [{ kind: 'write', offset: 12, width: 1, value: 36 }];
    const approval = { operator: 'Ada', reason: 'lab demo', by: 'person' };
    expect(text('marking', { plan: { marks: [{}, {}], leftAlone: [] }, approval })).toBe(
      'marking run of 2 registers approved by Ada: lab demo',
    );
    expect(
      text('mark', { moment: 'armed', recovery: null, report: { did, notTaken: ['Device Control'] } }),
    ).toBe('write marks into 1 register; not taken: Device Control');
    expect(text('unmark', { because: 'cancelled', report: { did, notBack: [] } })).toBe(
      'put old values back into 1 register: the marking run was cancelled',
    );
    expect(text('unmark')).toBe('unmark');
  });

  it('draws no row for lines that another line tells', () => {
    expect(rowsOf(line({ type: 'uevent', device, uevent: 'beginRecovery' }), 'armed')).toEqual([]);
    expect(
      rowsOf(
        line({ type: 'snapshot', device, recovery: 1, moment: 'end', view: 'vfio', bytes: '' }),
        'armed',
      ),
    ).toEqual([]);
  });
});
