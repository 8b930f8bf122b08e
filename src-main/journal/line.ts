export * from '../core/journal/line.ts';
