import { describe, expect, it } from 'vitest';
import { sentenceOfFinding, type Finding } from '../../src-main/journal/findings.ts';

const sentences: readonly [Finding, string][] = [
  [
    { kind: 'tornLastLine', lineNumber: 9, byteOffset: 2_000, bytes: 17 },
    'Line 9 was never finished: 17 bytes from byte 2000 to the end of the file.',
  ],
  [
    { kind: 'unterminatedLastLine', lineNumber: 9, byteOffset: 2_017 },
    'Line 9 is whole, but its newline at byte 2017 is missing.',
  ],
  [
    { kind: 'damagedLine', lineNumber: 3, byteOffset: 400, because: 'schema', detail: 'at: expected int' },
    'Line 3 at byte 400 is damaged (schema): at: expected int',
  ],
  [{ kind: 'missingLines', from: 4, to: 4 }, 'The line with sequence number 4 is missing.'],
  [{ kind: 'missingLines', from: 4, to: 6 }, 'The lines with sequence numbers 4 to 6 are missing.'],
  [
    { kind: 'missingHeader' },
    'The first line, which names the run, the rig and the version, is missing or damaged.',
  ],
  [
    { kind: 'unknownSchema', found: 2 },
    'The journal has schema version 2, which this version of the bench does not know.',
  ],
];

describe('a finding', () => {
  it.each(sentences)('is one sentence: %j', (finding, sentence) => {
    expect(sentenceOfFinding(finding)).toBe(sentence);
  });
});
