import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Directories of tests whose files take long: they start processes or play histories. */
const SLOW = /[\\/]test[\\/](?:soak|simulation|fuzz|mcp|cli|executors)[\\/]/;

/** Begins with the slow files, so that at the end no worker is left alone with one. Within both groups vitest's own order holds. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => SLOW.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}
