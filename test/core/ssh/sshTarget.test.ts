import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSshTarget, parseSshTarget } from '../../../src-main/core/ssh/sshTarget.ts';
import { sshWords } from '../../../src-main/rigs/ssh/sshProgram.ts';

describe('a machine for ssh', () => {
  it.each([
    ['lab', { user: null, host: 'lab', port: null }],
    ['ada@lab-7.example', { user: 'ada', host: 'lab-7.example', port: null }],
    ['ada@10.0.0.7:2222', { user: 'ada', host: '10.0.0.7', port: 2222 }],
    ['root@[::1]', { user: 'root', host: '::1', port: null }],
    ['root@[fe80::1%eth0]:22', { user: 'root', host: 'fe80::1%eth0', port: 22 }],
  ])('%s is understood, and written as it was', (text, target) => {
    const parsed = parseSshTarget(text);
    expect(parsed).toEqual({ ok: true, value: target });
    expect(formatSshTarget(target)).toBe(text);
  });

  it.each([
    '',
    ' ',
    '@lab',
    'ada@',
    'ada@:22',
    '-oProxyCommand=touch${IFS}x',
    'ada@-oProxyCommand=x',
    '-lroot@lab',
    'lab -v',
    'lab;id',
    'lab$(id)',
    '`id`@lab',
    "ada'@lab",
    'a@b@lab',
    'lab\n',
    'lab:0',
    'lab:65536',
    'lab:ssh',
    'lab:22:22',
    '::1',
    '[lab]',
    '[::1',
    '[::1%-v]',
    'läb',
    'ssh://lab',
    `${'x'.repeat(300)}`,
  ])('%j is refused in one sentence', (text) => {
    const parsed = parseSshTarget(text);
    expect(parsed).toMatchObject({ ok: false, error: { code: 'malformedInput' } });
    if (!parsed.ok) expect(parsed.error.message).toMatch(/^".*user@host:port\.$/s);
  });

  it('never becomes an option, whatever is typed', () => {
    const odd = fc.string({
      unit: fc.constantFrom(...'-o @:[]=%.;$`\'"\\\n~#!lab7', 'ProxyCommand', 'ä', '\u0000'),
    });
    fc.assert(
      fc.property(odd, (text) => {
        const parsed = parseSshTarget(text);
        if (!parsed.ok) return;
        const words = sshWords({ target: parsed.value, config: null }, 'sh');
        expect(words.slice(words.indexOf('--'))).toEqual(['--', parsed.value.host, 'sh']);
        expect(parsed.value.host).toMatch(/^[A-Za-z0-9_:][\w.:%-]*$/);
        expect(parsed.value.user ?? 'x').toMatch(/^\w/);
        expect(parseSshTarget(formatSshTarget(parsed.value))).toEqual(parsed);
      }),
    );
  });
});
