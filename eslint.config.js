import boundaries from 'eslint-plugin-boundaries';
import prettier from 'eslint-config-prettier';
import typescript from 'typescript-eslint';
import vue from 'eslint-plugin-vue';

/**
 * The rooms and their arrows (README.md, "Rooms"). A room may import itself, what is listed here, and the packages
 * listed here; everything else is an error. Doors (src-main/*.ts) and tests may open every room.
 */
const rooms = [
  { type: 'core', pattern: 'src-main/core', rooms: [], packages: [] },
  { type: 'kernel', pattern: 'src-main/kernel', rooms: ['core'], packages: ['koffi', 'node:*'] },
  {
    type: 'rigs',
    pattern: 'src-main/rigs',
    rooms: ['kernel', 'core', 'contract'],
    packages: ['node:*', 'zod', 'vscode-jsonrpc'],
  },
  {
    type: 'agent',
    pattern: 'src-main/agent',
    rooms: ['rigs', 'kernel', 'core', 'contract'],
    packages: ['node:*', 'zod', 'vscode-jsonrpc'],
  },
  { type: 'journal', pattern: 'src-main/journal', rooms: ['core', 'contract'], packages: ['node:*', 'zod'] },
  {
    type: 'coordinator',
    pattern: 'src-main/coordinator',
    rooms: ['rigs', 'journal', 'core', 'contract'],
    packages: ['node:*', 'zod'],
  },
  {
    type: 'scenarios',
    pattern: 'src-main/scenarios',
    rooms: ['coordinator', 'rigs', 'journal', 'core', 'contract'],
    packages: ['node:*', 'zod', 'yaml'],
  },
  {
    type: 'commands',
    pattern: 'src-main/commands',
    rooms: ['door', 'service', 'scenarios', 'coordinator', 'rigs', 'journal', 'core', 'contract'],
    packages: ['node:*', 'zod', 'commander'],
  },
  {
    type: 'service',
    pattern: 'src-main/service',
    rooms: ['scenarios', 'coordinator', 'rigs', 'journal', 'core', 'contract'],
    packages: ['node:*', 'zod'],
  },
  {
    type: 'door',
    pattern: 'src-main/door',
    rooms: ['service', 'core', 'contract'],
    packages: ['node:*', 'zod', 'ws'],
  },
  {
    type: 'console',
    pattern: 'src-main/console',
    rooms: ['service', 'core', 'contract'],
    packages: ['node:*', 'zod', 'electron'],
  },
  { type: 'contract', pattern: 'preload/contract', rooms: ['core'], packages: ['zod'] },
  { type: 'bridge', pattern: 'preload', rooms: ['contract'], packages: ['electron'] },
  {
    type: 'renderer',
    pattern: 'src-renderer',
    rooms: ['contract', 'core'],
    packages: ['vue', 'pinia', 'vue-router', 'reka-ui', '@tanstack/vue-virtual', '@fontsource/*'],
  },
];

const arrows = rooms.flatMap(({ type, rooms: reachable, packages }) => [
  { from: { element: { type } }, allow: { to: { element: { types: { anyOf: [type, ...reachable] } } } } },
  ...packages.map((source) => ({ from: { element: { type } }, allow: { to: { module: { source } } } })),
]);

export default typescript.config(
  { ignores: ['out/', 'dist/', 'runs/', 'node_modules/', 'coverage/'] },
  ...typescript.configs.strict,
  ...vue.configs['flat/recommended'],
  prettier,
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: typescript.parser } },
  },
  {
    rules: {
      'no-console': 'error',
      eqeqeq: 'error',
      // A command that answers nothing is `answers<void>()`.
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    // The core holds no effect: time, chance and the outside world come in as events.
    files: ['src-main/core/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...[
          'Date',
          'setTimeout',
          'setInterval',
          'setImmediate',
          'performance',
          'process',
          'console',
          'fetch',
        ].map((name) => ({ name, message: 'The core is pure: take it as an argument or an event.' })),
      ],
      'no-restricted-properties': [
        'error',
        {
          object: 'Math',
          property: 'random',
          message: 'The core is pure: take a seeded source as an argument.',
        },
      ],
    },
  },
  {
    files: ['src-main/**/*.ts', 'preload/**/*.ts', 'src-renderer/**/*.{ts,vue}'],
    plugins: { boundaries },
    settings: {
      'boundaries/elements': [
        // The most specific pattern first: the contract lies inside preload/.
        ...rooms.map(({ type, pattern }) => ({ type, pattern, mode: 'folder' })),
      ].sort((a, b) => b.pattern.length - a.pattern.length),
      'boundaries/legacy-warnings': false,
      'import/resolver': { node: { extensions: ['.ts', '.vue', '.js'] } },
    },
    rules: {
      'boundaries/dependencies': ['error', { default: 'disallow', checkAllOrigins: true, policies: arrows }],
      // A new folder is a room of this table, or it is an error: nothing else would hold its arrows.
      'boundaries/no-unknown-files': 'error',
    },
  },
  {
    files: ['src-main/*.ts'],
    rules: { 'boundaries/dependencies': 'off', 'boundaries/no-unknown-files': 'off' },
  },
  {
    // Electron's security checklist, items 15 and 17: one place opens links, one place hears the page.
    files: ['src-main/**/*.ts'],
    ignores: ['src-main/core/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          name: 'electron',
          importNames: ['shell', 'ipcMain'],
          message: 'Links are opened by console/externalLinks.ts, and commands are heard by console/ipc.ts.',
        },
        { name: 'electron', importNames: ['default'], message: 'Import what is used, by name.' },
      ],
      'no-restricted-properties': [
        'error',
        { property: 'openExternal', message: 'Use openExternalLink of console/externalLinks.ts.' },
        { property: 'ipcMain', message: 'Commands are heard by console/ipc.ts alone.' },
      ],
    },
  },
  {
    files: ['src-main/console/ipc.ts', 'src-main/console/externalLinks.ts'],
    rules: { 'no-restricted-imports': 'off', 'no-restricted-properties': 'off' },
  },
);
