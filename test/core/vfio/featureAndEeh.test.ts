import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEehOperation,
  describeEehState,
  eehOperationNumbers,
  eehStateNumbers,
  eehStateOf,
  encodeEehOperation,
} from '../../../src-main/core/vfio/eeh.ts';
import type { EehOperation } from '../../../src-main/core/vfio/eeh.ts';
import {
  decodeFeature,
  decodeZpciErrorAddress,
  encodeFeatureGet,
  encodeFeatureProbe,
  encodeFeatureSet,
  encodeZpciErrorGet,
} from '../../../src-main/core/vfio/feature.ts';
import { pciIrqName, pciRegionName } from '../../../src-main/core/vfio/numbers.ts';
import type { ByteOrder } from '../../../src-main/core/vfio/struct.ts';
import { bytesOf } from './hex.ts';

const order = fc.constantFrom<ByteOrder>('little', 'big');
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const u32 = fc.nat({ max: 0xffff_ffff });

describe('DEVICE_FEATURE', () => {
  it('is read back as the request that was written', () => {
    fc.assert(
      fc.property(
        order,
        fc.nat({ max: 0xffff }),
        fc.uint8Array({ maxLength: 32 }),
        (bytes, feature, payload) => {
          expect(decodeFeature(bytes, encodeFeatureGet(bytes, feature, payload))).toEqual({
            ok: true,
            value: { feature, operation: 'get', access: 'get', payload },
          });
          expect(decodeFeature(bytes, encodeFeatureSet(bytes, feature, payload))).toEqual({
            ok: true,
            value: { feature, operation: 'set', access: 'set', payload },
          });
        },
      ),
    );
  });

  it.each(['get', 'set', 'either'] as const)('keeps what a probe asks about: %s', (access) => {
    expect(decodeFeature('big', encodeFeatureProbe('big', 13, access))).toEqual({
      ok: true,
      value: { feature: 13, operation: 'probe', access, payload: new Uint8Array() },
    });
  });

  it('carries the address of the zPCI error buffer, in both orders', () => {
    fc.assert(
      fc.property(order, fc.bigInt({ min: 1n, max: 0xffff_ffff_ffff_ffffn }), (bytes, address) => {
        const request = decodeFeature(bytes, encodeZpciErrorGet(bytes, address));
        expect(request).toMatchObject({ ok: true, value: { feature: 13, operation: 'get' } });
        const payload = request.ok ? request.value.payload : new Uint8Array();
        expect(decodeZpciErrorAddress(bytes, payload)).toEqual({ ok: true, value: address });
      }),
    );
  });

  it.each([
    ['neither probe, get nor set', '08000000 0d000000'],
    ['get and set at once', '08000000 0d000300'],
    ['an argsz shorter than the header', '04000000 0d000100'],
    ['an argsz longer than the buffer', '10000000 0d000100'],
    ['half a header', '08000000 0d00'],
  ])('is malformed with %s', (_, hex) => {
    expect(decodeFeature('little', bytesOf(hex))).toMatchObject({
      ok: false,
      error: { code: 'malformedStruct' },
    });
  });

  it('needs eight bytes for the address of the zPCI error buffer', () => {
    expect(decodeZpciErrorAddress('big', new Uint8Array(7))).toMatchObject({
      ok: false,
      error: { code: 'malformedStruct' },
    });
  });
});

const plainOperations: readonly (readonly [Exclude<EehOperation['kind'], 'injectError'>, number])[] = [
  ['disable', 0],
  ['enable', 1],
  ['unfreezeIo', 2],
  ['unfreezeDma', 3],
  ['getState', 4],
  ['resetDeactivate', 5],
  ['resetHot', 6],
  ['resetFundamental', 7],
  ['configure', 8],
];

describe('EEH_PE_OP', () => {
  it.each(plainOperations)('%s is operation %i', (kind, number) => {
    const little = encodeEehOperation('little', { kind });
    const big = encodeEehOperation('big', { kind });
    expect([little.length, little[8], big[11]]).toEqual([40, number, number]);
    expect(decodeEehOperation('little', little)).toEqual({ ok: true, value: { kind } });
    // The kernel asks for no more than 12 bytes here.
    expect(decodeEehOperation('big', big.subarray(0, 12))).toEqual({ ok: true, value: { kind } });
  });

  it('has an operation for every number of the header', () => {
    expect(Object.values(eehOperationNumbers)).toEqual([...plainOperations.map(([, number]) => number), 9]);
  });

  it('gives an injection back', () => {
    const injection = fc.record({
      kind: fc.constant('injectError' as const),
      type: u32,
      function: u32,
      address: u64,
      mask: u64,
    });
    fc.assert(
      fc.property(order, injection, (bytes, operation) => {
        expect(decodeEehOperation(bytes, encodeEehOperation(bytes, operation))).toEqual({
          ok: true,
          value: operation,
        });
      }),
    );
  });

  it('keeps the number of an operation that it does not know', () => {
    expect(decodeEehOperation('little', bytesOf('0c000000 00000000 0a000000'))).toEqual({
      ok: true,
      value: { kind: 'unknown', number: 10 },
    });
  });

  it.each([
    ['no operation', '28000000 00000000 0400'],
    ['an injection without its error', '28000000 00000000 09000000'],
  ])('is malformed with %s', (_, hex) => {
    expect(decodeEehOperation('little', bytesOf(hex))).toMatchObject({
      ok: false,
      error: { code: 'malformedStruct' },
    });
  });
});

describe('the state of a PE', () => {
  it.each([
    [0, 'normal', 'works'],
    [1, 'resetActive', 'held in reset'],
    [2, 'stopped', 'frozen'],
    [4, 'stoppedDma', 'DMA is still stopped'],
    [5, 'unavailable', 'ask again later'],
    [3, 'unknown', 'unknown PE state 3'],
    [-19, 'unknown', 'unknown PE state -19'],
  ])('%i is %s', (number, kind, words) => {
    expect(eehStateOf(number).kind).toBe(kind);
    expect(describeEehState(eehStateOf(number))).toContain(words);
  });

  it('has words for every state of the header', () => {
    for (const number of Object.values(eehStateNumbers)) expect(eehStateOf(number).kind).not.toBe('unknown');
  });
});

it('names regions and interrupt indexes', () => {
  expect([0, 6, 7, 8, 9].map(pciRegionName)).toEqual(['BAR0', 'ROM', 'config space', 'VGA', 'region 9']);
  expect([0, 1, 2, 3, 4, 5, 6].map(pciIrqName)).toEqual([
    'INTx',
    'MSI',
    'MSI-X',
    'ERR',
    'REQ',
    'ERR_NOTIFY',
    'interrupt index 6',
  ]);
});
