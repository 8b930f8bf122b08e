import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'electron-vite';
import type { Plugin } from 'vite';

/**
 * The developer's server puts styles into the page as it changes them. Its page, and never the built one, may have
 * styles that are not files.
 */
const developmentPolicy: Plugin = {
  name: 'development-policy',
  apply: 'serve',
  transformIndexHtml: (html) => html.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
};

export default defineConfig({
  main: {
    build: {
      // Electron's own Node loads the bundle; the test runtime has Node 20.
      target: 'node20',
      // Pure JavaScript goes into the bundle: one file starts faster than hundreds, and koffi alone is left to package.
      externalizeDeps: { exclude: ['commander', 'vscode-jsonrpc', 'yaml', 'zod'] },
      rolldownOptions: { input: { index: 'src-main/index.ts', cli: 'src-main/cli.ts' } },
    },
  },
  preload: {
    build: {
      rolldownOptions: {
        input: { index: 'preload/index.ts' },
        // A sandboxed preload is one CommonJS file.
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src-renderer',
    plugins: [vue(), developmentPolicy],
    build: {
      // The page's policy allows fonts and styles from its own files, and none out of data: addresses.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: { input: 'src-renderer/index.html' },
    },
  },
});
