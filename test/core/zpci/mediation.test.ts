import { describe, expect, it } from 'vitest';
import { errnoOf, type ErrnoName } from '../../../src-main/core/errno.ts';
import { done, failure } from '../../../src-main/core/result.ts';
import { mediationOf } from '../../../src-main/core/zpci/mediation.ts';

const refusal = (errno: ErrnoName) =>
  failure('notSupported', '1234:00:00.0 has no feature 13.', { errno: errnoOf(errno) });

describe('who recovers a zPCI function', () => {
  it('7.3 has the feature, and ZPCI_BASE version 3 with the length of a record: user space', () => {
    expect(mediationOf({ version: 3, errorRecordLength: 32 }, done)).toEqual({
      kind: 'mediated',
      recordLength: 32,
    });
    // A later kernel may append to the record.
    expect(mediationOf({ version: 4, errorRecordLength: 64 }, done)).toMatchObject({ recordLength: 64 });
  });

  it('7.2 answers ENOTTY and has version 2: the kernel, by itself', () => {
    expect(mediationOf({ version: 2 }, refusal('ENOTTY'))).toEqual({
      kind: 'kernelRecovers',
      because: expect.stringMatching(/ENOTTY.*7\.3.*by itself/),
    });
  });

  it('the feature without a length is not read from: no buffer would be large enough for sure', () => {
    expect(mediationOf({ version: 2 }, done)).toEqual({
      kind: 'kernelRecovers',
      because: expect.stringMatching(/version 2.*how long/),
    });
  });

  it('a length without the feature is no feature', () => {
    expect(mediationOf({ version: 3, errorRecordLength: 32 }, refusal('ENOTTY')).kind).toBe('kernelRecovers');
  });

  it('another errno is told as it is, and not taken for an older kernel', () => {
    const found = mediationOf({ version: 3, errorRecordLength: 32 }, refusal('EPERM'));
    expect(found).toMatchObject({ kind: 'kernelRecovers', because: expect.stringContaining('feature 13') });
    expect(found).toMatchObject({ because: expect.not.stringContaining('ENOTTY') });
  });
});
