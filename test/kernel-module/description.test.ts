import { describe, expect, it } from 'vitest';
import { driverName, moduleParameters, moduleText, moduleVersion, sourceNames } from './moduleSources.ts';

describe('what is said of the kernel module', () => {
  const parameters = moduleParameters();

  it('README.md lists every parameter with its default, and no other', () => {
    const rows = [...moduleText('README.md').matchAll(/^\| `(\w+)` +\| (\w+) +\|/gm)].map(
      ([, name, byDefault]) => `${name} ${byDefault}`,
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.sort()).toEqual(parameters.map(({ name, byDefault }) => `${name} ${byDefault}`).sort());
  });

  it('modinfo says the defaults too', () => {
    for (const { name, byDefault, description } of parameters) {
      expect(description, name).toContain(`(default ${byDefault}`);
    }
  });

  it('every parameter can be changed at run time by root and be read by all', () => {
    expect(new Set(parameters.map(({ mode }) => mode))).toEqual(new Set(['0644']));
  });

  it('every repair is off unless asked for, and the wait is that of the mail', () => {
    const asMailed = parameters.map(({ name }) => [name, name === 'ack_timeout_ms' ? '60000' : 'N']);
    expect(parameters.map(({ name, byDefault }) => [name, byDefault])).toEqual(asMailed);
  });

  it('dkms.conf has the version of the module and the name of the driver', () => {
    const dkms = moduleText('dkms.conf');
    expect(dkms).toContain(`PACKAGE_VERSION="${moduleVersion()}"\n`);
    expect(dkms).toContain(`PACKAGE_NAME="${driverName()}"\n`);
    expect(dkms).toContain(`BUILT_MODULE_NAME[0]="${driverName()}"\n`);
    expect(moduleText('README.md')).toContain(`dkms install ${driverName()}/${moduleVersion()}\n`);
  });

  it('every source is in the Makefile and in the README', () => {
    const line = new RegExp(`^${driverName()}-y := (.*)$`, 'm').exec(moduleText('Makefile'));
    const objects = line?.[1]?.split(' ') ?? [];
    expect(objects.sort()).toEqual(sourceNames().map((name) => name.replace(/c$/, 'o')));
    for (const name of sourceNames()) expect(moduleText('README.md')).toContain(`| \`${name}\``);
  });

  it('every source and header says that it is GPL-2.0', () => {
    for (const name of [...sourceNames(), 'notify.h', 'Makefile']) {
      expect(moduleText(name).split('\n')[0], name).toContain('SPDX-License-Identifier: GPL-2.0-only');
    }
  });
});
