import type { TestProject } from 'vitest/node';
import { makeStage, type Stage } from './stage.ts';

declare module 'vitest' {
  interface ProvidedContext {
    stage: Stage;
  }
}

export default async (project: TestProject): Promise<() => void> => {
  const { stage, strike } = await makeStage();
  project.provide('stage', stage);
  return strike;
};
