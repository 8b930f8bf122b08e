import { describe, expect, it } from 'vitest';
import { functionOf, parseKernelLogRecord } from '../../../src-main/kernel/events/kernelLogRecord.ts';
import { parseUevent } from '../../../src-main/kernel/events/uevent.ts';

const message = (...strings: readonly string[]): Uint8Array => Buffer.from(`${strings.join('\0')}\0`);
const path = '/devices/pci0000:00/0000:00:04.0/0000:01:00.0';

describe('a uevent', () => {
  const change = (...extra: readonly string[]): Uint8Array =>
    message(
      `change@${path}`,
      'ACTION=change',
      `DEVPATH=${path}`,
      'SUBSYSTEM=pci',
      ...extra,
      'DRIVER=vfio-pci-notify',
      'PCI_SLOT_NAME=0000:01:00.0',
      'SEQNUM=1234',
    );

  it.each([
    ['BEGIN_RECOVERY', 'beginRecovery'],
    ['SUCCESSFUL_RECOVERY', 'successfulRecovery'],
    ['FAILED_RECOVERY', 'failedRecovery'],
  ])('%s', (word, uevent) => {
    expect(parseUevent(change(`ERROR_EVENT=${word}`, 'DEVICE_ONLINE=0'))).toEqual({
      address: '0000:01:00.0',
      kind: 'recovery',
      uevent,
    });
  });

  it.each([
    ['add', { kind: 'added' }],
    ['remove', { kind: 'removed' }],
    ['bind', { kind: 'bound', driver: 'vfio-pci' }],
    ['unbind', { kind: 'unbound' }],
  ])('%s, with the address from the path where it has no name', (action, expected) => {
    const heard = parseUevent(
      message(`${action}@${path}`, `ACTION=${action}`, `DEVPATH=${path}`, 'SUBSYSTEM=pci', 'DRIVER=vfio-pci'),
    );
    expect(heard).toEqual({ address: '0000:01:00.0', ...expected });
  });

  it.each([
    [
      'another subsystem',
      message(`add@${path}`, 'ACTION=add', 'SUBSYSTEM=net', 'PCI_SLOT_NAME=0000:01:00.0'),
    ],
    ['a change that is no error', change()],
    ['an error that nobody knows', change('ERROR_EVENT=SOMETHING')],
    ['what udev sends', message('libudev', 'ACTION=add')],
    ['no address', message('add@/x', 'ACTION=add', 'SUBSYSTEM=pci', 'DEVPATH=/x')],
    ['nothing', new Uint8Array(0)],
  ])('of %s is nothing to us', (_, bytes) => {
    expect(parseUevent(bytes)).toBeNull();
  });
});

describe('a record of the kernel log', () => {
  const record = (text: string): ReturnType<typeof parseKernelLogRecord> =>
    parseKernelLogRecord(Buffer.from(text));

  it('has level, sequence, time, text and device', () => {
    expect(
      record(
        '30,1187,75843210,-;vfio-pci-notify 0000:01:00.0: resetting\n SUBSYSTEM=pci\n DEVICE=+pci:0000:01:00.0\n',
      ),
    ).toEqual({
      level: 6,
      sequence: 1187,
      printed: 75_843_210,
      text: 'vfio-pci-notify 0000:01:00.0: resetting',
      device: '+pci:0000:01:00.0',
    });
  });

  it('may have more fields, a semicolon in its text, and escapes', () => {
    expect(record('4,7,99,c,caller=T1;one; two\\x09three \\xc3\\xa4\\x5c\n')).toMatchObject({
      sequence: 7,
      text: 'one; two\tthree ä\\',
      device: null,
    });
  });

  it.each(['', 'text', '6;x', '6,1;x'])('that has another form is none: %s', (text) => {
    expect(record(text)).toBeNull();
  });

  it.each([
    [
      'the root port tells of it',
      '4,1,1,-;pcieport 0000:00:04.0: AER: Uncorrected (Fatal) error received: 0000:01:00.0\n DEVICE=+pci:0000:00:04.0\n',
      '0000:01:00.0',
    ],
    [
      'the root port tells of itself',
      '6,1,1,-;pcieport 0000:00:04.0: AER: device recovery successful\n DEVICE=+pci:0000:00:04.0\n',
      '0000:00:04.0',
    ],
    ['only the dictionary names it', '4,1,1,-;   [18] MalfTLP\n DEVICE=+pci:0000:01:00.0\n', '0000:01:00.0'],
    ['only the text names it', '6,1,1,-;vfio-pci 0000:01:00.0: reset done\n', '0000:01:00.0'],
    [
      'the IOMMU tells of it',
      '3,1,1,-;DMAR: [DMA Write NO_PASID] Request device [01:00.0] fault addr 0xdead000\n',
      '0000:01:00.0',
    ],
  ])('speaks of a function: %s', (_, text, address) => {
    const parsed = record(text);
    expect(parsed === null ? null : functionOf(parsed)).toBe(address);
  });

  it.each(['6,1,1,-;usb 1-1: new device at 12:30:01.5\n', '6,1,1,-;hello\n DEVICE=+usb:1-1\n'])(
    'speaks of none: %s',
    (text) => {
      const parsed = record(text);
      expect(parsed === null ? undefined : functionOf(parsed)).toBeNull();
    },
  );
});
