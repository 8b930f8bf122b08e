import { defineConfig } from 'rolldown';

/** One file for the rig's machine, with nothing beside it but koffi. */
export default defineConfig({
  input: 'src-main/agent.ts',
  platform: 'node',
  external: ['koffi'],
  transform: { target: 'node18' },
  output: { file: 'out/agent/agent.mjs', format: 'esm', codeSplitting: false, cleanDir: true },
});
