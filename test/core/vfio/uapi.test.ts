import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { everyNumber, everyStruct } from './everyStruct.ts';

/*
 * Compiles a C program against the installed kernel headers and compares every number, size, offset and type of
 * core/vfio with what it prints. Needs a C compiler and <linux/vfio.h> (Debian: gcc, linux-libc-dev).
 */

/** What newer headers have, and the kernel that brought it. No header has what is only proposed. */
const newerThanDebian12: Readonly<Record<string, string>> = {
  VFIO_DEVICE_FEATURE_MIG_DATA_SIZE: '6.2',
  IOMMU_DESTROY: '6.2',
  IOMMU_IOAS_ALLOC: '6.2',
  IOMMU_IOAS_IOVA_RANGES: '6.2',
  IOMMU_IOAS_MAP: '6.2',
  IOMMU_IOAS_MAP_FIXED_IOVA: '6.2',
  IOMMU_IOAS_MAP_READABLE: '6.2',
  IOMMU_IOAS_MAP_WRITEABLE: '6.2',
  IOMMU_IOAS_UNMAP: '6.2',
  'struct iommu_destroy': '6.2',
  'struct iommu_ioas_alloc': '6.2',
  'struct iommu_ioas_iova_ranges': '6.2',
  'struct iommu_ioas_map': '6.2',
  'struct iommu_ioas_unmap': '6.2',
  'struct iommu_iova_range': '6.2',
  VFIO_DEVICE_ATTACH_IOMMUFD_PT: '6.6',
  VFIO_DEVICE_BIND_IOMMUFD: '6.6',
  VFIO_DEVICE_DETACH_IOMMUFD_PT: '6.6',
  VFIO_DEVICE_FEATURE_BUS_MASTER: '6.7',
  VFIO_PCI_DEVID_NOT_OWNED: '6.6',
  VFIO_PCI_DEVID_OWNED: '6.6',
  VFIO_PCI_HOT_RESET_FLAG_DEV_ID: '6.6',
  VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED: '6.6',
  'struct vfio_device_attach_iommufd_pt': '6.6',
  'struct vfio_device_bind_iommufd': '6.6',
  'struct vfio_device_detach_iommufd_pt': '6.6',
  VFIO_DEVICE_FEATURE_DMA_BUF: '6.19',
  VFIO_DEVICE_FEATURE_ZPCI_ERROR: '7.3',
  'struct vfio_device_feature_zpci_err': '7.3',
  'struct vfio_device_info_cap_zpci_base ccdf_err_length': '7.3',
  VFIO_PCI_ERR_NOTIFY_IRQ_INDEX: 'proposed',
};

/** Structs that a later header made longer than the form that we give. argsz tells the kernel which form it is. */
const grownTo: Readonly<Record<string, number>> = {
  vfio_device_info: 24,
  vfio_device_bind_iommufd: 24,
  vfio_device_attach_iommufd_pt: 16,
  vfio_device_detach_iommufd_pt: 12,
};

const includes = `
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>
#include <linux/version.h>
#ifndef __counted_by
#define __counted_by(member)
#endif
#include <linux/vfio.h>
#include <linux/vfio_zdev.h>
#if __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>
#endif
`;

const directory = mkdtempSync(join(tmpdir(), 'recovery-bench-uapi-'));
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const compile = (source: string, ...options: readonly string[]): string => {
  const file = join(directory, 'uapi.c');
  writeFileSync(file, source);
  return execFileSync('cc', [...options, file], { encoding: 'utf8', maxBuffer: 1 << 26, stdio: 'pipe' });
};

/** The headers after the preprocessor, with their macros; or why they cannot be had. */
const preprocessed = (() => {
  try {
    return { ok: true, text: compile(includes, '-E', '-dD') } as const;
  } catch (error) {
    return { ok: false, reason: String(error) } as const;
  }
})();

const text = preprocessed.ok ? preprocessed.text : '';

const hasWord = (word: string, where: string): boolean => new RegExp(`\\b${word}\\b`).test(where);

/** From the name of a struct to the brace in the first column that ends it. */
const bodyOf = (name: string): string | undefined =>
  new RegExp(`struct ${name} \\{([\\s\\S]*?)\\n\\}`).exec(text)?.[1];

const isInHeader = (item: Item): boolean => {
  if (item.kind === 'number') return hasWord(item.name, text);
  const body = bodyOf(item.struct);
  // Embedded structs are compared through their own members by the compiler.
  return body !== undefined && (item.field === undefined || hasWord(item.field.split('.')[0] ?? '', body));
};

type Item =
  | { readonly kind: 'number'; readonly key: string; readonly name: string; readonly expected: number }
  | {
      readonly kind: 'layout';
      readonly key: string;
      readonly struct: string;
      readonly field?: string;
      readonly expression: string;
      readonly expected: number;
    };

const items: readonly Item[] = [
  ...[...everyNumber].map(([name, expected]) => ({ kind: 'number', key: name, name, expected }) as const),
  ...everyStruct.flatMap((description): Item[] => {
    const struct = description.name;
    const layout = { kind: 'layout', struct } as const;
    const fields = description.fields.flatMap((field): Item[] => {
      const member = `((struct ${struct} *)0)->${field.name}`;
      const signed = `((__typeof__(${member}))-1 < 0)`;
      const key = `struct ${struct} ${field.name}`;
      const common = { ...layout, field: field.name } as const;
      return [
        {
          ...common,
          key: `${key} offset`,
          expression: `offsetof(struct ${struct}, ${field.name})`,
          expected: field.offset,
        },
        { ...common, key: `${key} size`, expression: `sizeof(${member})`, expected: field.size },
        { ...common, key: `${key} signed`, expression: signed, expected: field.type === 's32' ? 1 : 0 },
      ];
    });
    return [
      {
        ...layout,
        key: `struct ${struct} size`,
        expression: `sizeof(struct ${struct})`,
        expected: description.size,
      },
      ...fields,
    ];
  }),
];

/** The name under which `newerThanDebian12` knows an item. */
const featureOf = (item: Item): string => {
  if (item.kind === 'number') return item.name;
  const struct = `struct ${item.struct}`;
  return item.field !== undefined && bodyOf(item.struct) !== undefined ? `${struct} ${item.field}` : struct;
};

const answersOfCompiler = (present: readonly Item[]): ReadonlyMap<string, number> => {
  const lines = present.map((item) => {
    const expression = item.kind === 'number' ? item.name : item.expression;
    // Through 32 bits unsigned, as our numbers are: VFIO_PCI_DEVID_NOT_OWNED is -1 in the header.
    return `  printf("%s=%u\\n", ${JSON.stringify(item.key)}, (unsigned)(${expression}));`;
  });
  const binary = join(directory, 'uapi');
  compile(`${includes}\nint main(void) {\n${lines.join('\n')}\n  return 0;\n}\n`, '-o', binary);
  const output = execFileSync(binary, { encoding: 'utf8' });
  return new Map(
    output
      .trim()
      .split('\n')
      .map((line) => {
        const at = line.lastIndexOf('=');
        return [line.slice(0, at), Number(line.slice(at + 1))] as const;
      }),
  );
};

const headerVersion = (): readonly [major: number, minor: number] => {
  const code = Number(/#define LINUX_VERSION_CODE (\d+)/.exec(text)?.[1]);
  return [code >> 16, (code >> 8) & 0xff];
};

const isNewerThanHeader = (version: string): boolean => {
  if (version === 'proposed') return true;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [headerMajor, headerMinor] = headerVersion();
  return major > headerMajor || (major === headerMajor && minor > headerMinor);
};

describe('the uapi headers of this machine', () => {
  beforeEach(({ skip }) => {
    // Under CI the first test fails instead, because a comparison that nobody sees missing is worth nothing.
    if (!preprocessed.ok && process.env['CI'] !== 'true')
      skip(`needs cc and <linux/vfio.h>: ${preprocessed.reason}`);
  });

  it('can be read by the C compiler', () => {
    expect(preprocessed).toMatchObject({ ok: true });
  });

  it('lack nothing but what came with a newer kernel', () => {
    const lacking = new Set(items.filter((item) => !isInHeader(item)).map(featureOf));
    const unexplained = [...lacking].filter(
      (feature) => !isNewerThanHeader(newerThanDebian12[feature] ?? '0.0'),
    );
    expect(unexplained).toEqual([]);
  });

  it('agree with every number, size, offset and type that they have', () => {
    const present = items.filter(isInHeader);
    const answers = answersOfCompiler(present);
    const differing = present
      .map((item) => ({ key: item.key, ours: item.expected, theirs: answers.get(item.key), item }))
      .filter(({ ours, theirs }) => ours !== theirs)
      .filter(({ item, theirs }) => {
        const isSize = item.kind === 'layout' && item.field === undefined;
        return !(isSize && theirs === grownTo[item.struct]);
      })
      .map(({ key, ours, theirs }) => ({ key, ours, theirs }));
    expect(differing).toEqual([]);
    // Guards the guard: were the search for names in the header wrong, there would be nothing to compare.
    expect(answers.size).toBeGreaterThan(250);
  });

  it('knows every exported struct and number', () => {
    expect(everyNumber.get('VFIO_DEVICE_SET_IRQS')).toBe(0x3b6e);
    expect(new Set(items.map((item) => item.key)).size).toBe(items.length);
  });
});
