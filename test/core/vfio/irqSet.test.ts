import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeIrqRequest,
  encodeAcknowledge,
  encodeLoopbackTrigger,
  encodeLoopbackTriggerSelected,
  encodeRegisterEventfds,
  encodeReleaseEventfds,
  encodeUnregister,
} from '../../../src-main/core/vfio/irqSet.ts';
import type { IrqRequest } from '../../../src-main/core/vfio/irqSet.ts';
import type { ByteOrder } from '../../../src-main/core/vfio/struct.ts';
import { bytesOf, hexOf } from './hex.ts';

interface Form {
  readonly name: string;
  readonly encode: (order: ByteOrder) => Uint8Array;
  /** argsz, flags, index, start, count, data */
  readonly little: string;
  readonly big: string;
  readonly request: IrqRequest;
}

const forms: readonly Form[] = [
  {
    name: 'register one eventfd on the error index',
    encode: (order) => encodeRegisterEventfds(order, 3, [42]),
    little: '18000000 24000000 03000000 00000000 01000000 2a000000',
    big: '00000018 00000024 00000003 00000000 00000001 0000002a',
    request: { kind: 'registerEventfds', index: 3, start: 0, eventfds: [42] },
  },
  {
    name: 'register one eventfd on the handshake index',
    encode: (order) => encodeRegisterEventfds(order, 5, [258]),
    little: '18000000 24000000 05000000 00000000 01000000 02010000',
    big: '00000018 00000024 00000005 00000000 00000001 00000102',
    request: { kind: 'registerEventfds', index: 5, start: 0, eventfds: [258] },
  },
  {
    name: 'register three MSI-X eventfds, the second left out',
    encode: (order) => encodeRegisterEventfds(order, 2, [7, -1, 9]),
    little: '20000000 24000000 02000000 00000000 03000000 07000000 ffffffff 09000000',
    big: '00000020 00000024 00000002 00000000 00000003 00000007 ffffffff 00000009',
    request: { kind: 'registerEventfds', index: 2, start: 0, eventfds: [7, -1, 9] },
  },
  {
    name: 'release one MSI-X vector',
    encode: (order) => encodeReleaseEventfds(order, 2, 1, 4),
    little: '18000000 24000000 02000000 04000000 01000000 ffffffff',
    big: '00000018 00000024 00000002 00000004 00000001 ffffffff',
    request: { kind: 'registerEventfds', index: 2, start: 4, eventfds: [-1] },
  },
  {
    name: 'un-register the handshake index',
    encode: (order) => encodeUnregister(order, 5),
    little: '14000000 21000000 05000000 00000000 00000000',
    big: '00000014 00000021 00000005 00000000 00000000',
    request: { kind: 'unregister', index: 5 },
  },
  {
    name: 'loop back on the error index',
    encode: (order) => encodeLoopbackTrigger(order, 3),
    little: '14000000 21000000 03000000 00000000 01000000',
    big: '00000014 00000021 00000003 00000000 00000001',
    request: { kind: 'loopbackTrigger', index: 3, start: 0, count: 1 },
  },
  {
    name: 'loop back on two of three MSI-X vectors',
    encode: (order) => encodeLoopbackTriggerSelected(order, 2, [true, false, true], 1),
    little: '17000000 22000000 02000000 01000000 03000000 010001',
    big: '00000017 00000022 00000002 00000001 00000003 010001',
    request: { kind: 'loopbackTriggerSelected', index: 2, start: 1, selected: [true, false, true] },
  },
  {
    name: 'acknowledge',
    encode: (order) => encodeAcknowledge(order),
    little: '14000000 11000000 05000000 00000000 00000000',
    big: '00000014 00000011 00000005 00000000 00000000',
    request: { kind: 'acknowledge' },
  },
];

describe.each(forms)('SET_IRQS: $name', ({ encode, little, big, request }) => {
  it('has its golden bytes in both orders', () => {
    expect(hexOf(encode('little'))).toBe(little);
    expect(hexOf(encode('big'))).toBe(big);
  });

  it('is read back as what it means', () => {
    expect(decodeIrqRequest('little', bytesOf(little))).toEqual({ ok: true, value: request });
    expect(decodeIrqRequest('big', bytesOf(big))).toEqual({ ok: true, value: request });
  });

  it('is malformed when cut short anywhere', () => {
    const bytes = bytesOf(little);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(decodeIrqRequest('little', bytes.subarray(0, length))).toMatchObject({
        ok: false,
        error: { code: 'malformedStruct' },
      });
    }
  });
});

describe('acknowledging and un-registering', () => {
  const order = fc.constantFrom<ByteOrder>('little', 'big');

  it('never give the same bytes, on whatever index and in whatever order', () => {
    fc.assert(
      fc.property(order, order, fc.nat({ max: 0xffff }), (ackOrder, unregisterOrder, index) => {
        expect(hexOf(encodeAcknowledge(ackOrder))).not.toBe(hexOf(encodeUnregister(unregisterOrder, index)));
      }),
    );
  });

  it('differ in the flags alone on the handshake index', () => {
    const acknowledge = encodeAcknowledge('little');
    const unregister = encodeUnregister('little', 5);
    expect([...acknowledge.keys()].filter((at) => acknowledge[at] !== unregister[at])).toEqual([4]);
    expect([acknowledge[4], unregister[4]]).toEqual([0x11, 0x21]);
  });

  it('does not take for an acknowledgement what the kernel would refuse or read otherwise', () => {
    const wrong = [
      '14000000 11000000 05000000 00000000 01000000', // count 1: EINVAL
      '14000000 11000000 05000000 01000000 00000000', // start 1: EINVAL
      '14000000 11000000 03000000 00000000 00000000', // another index
      '14000000 09000000 05000000 00000000 00000000', // MASK: ENOTTY
      '14000000 31000000 05000000 00000000 00000000', // two actions
      '14000000 51000000 05000000 00000000 00000000', // an unknown flag
    ];
    for (const hex of wrong) {
      expect(decodeIrqRequest('little', bytesOf(hex))).toMatchObject({ ok: true, value: { kind: 'other' } });
    }
  });
});

describe('SET_IRQS with values that cannot be meant', () => {
  it.each([
    ['no eventfd', () => encodeRegisterEventfds('little', 3, [])],
    ['a descriptor below -1', () => encodeRegisterEventfds('little', 3, [-2])],
    ['a descriptor beyond 31 bits', () => encodeRegisterEventfds('little', 3, [0x8000_0000])],
    ['a fraction', () => encodeRegisterEventfds('little', 3, [1.5])],
    ['no interrupt selected from', () => encodeLoopbackTriggerSelected('little', 3, [])],
    ['a negative index', () => encodeUnregister('little', -1)],
  ])('%s is refused', (_, encode) => {
    expect(encode).toThrow(RangeError);
  });

  it('never throws or hangs on any bytes, also with a count of four thousand million', () => {
    const huge = bytesOf('14000000 24000000 02000000 00000000 ffffffff');
    expect(decodeIrqRequest('little', huge)).toMatchObject({ ok: false, error: { code: 'malformedStruct' } });
    fc.assert(
      fc.property(
        fc.constantFrom<ByteOrder>('little', 'big'),
        fc.uint8Array({ maxLength: 64 }),
        (order, bytes) => {
          expect(typeof decodeIrqRequest(order, bytes).ok).toBe('boolean');
        },
      ),
    );
  });

  it('gives back every registration', () => {
    const eventfds = fc.array(fc.integer({ min: -1, max: 0x7fff_ffff }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        fc.constantFrom<ByteOrder>('little', 'big'),
        fc.nat({ max: 9 }),
        fc.nat({ max: 2047 }),
        eventfds,
        (order, index, start, list) => {
          expect(decodeIrqRequest(order, encodeRegisterEventfds(order, index, list, start))).toEqual({
            ok: true,
            value: { kind: 'registerEventfds', index, start, eventfds: list },
          });
        },
      ),
    );
  });
});
