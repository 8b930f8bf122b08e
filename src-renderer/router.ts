import { createRouter, createWebHashHistory, type Router, type RouterHistory } from 'vue-router';
import type { ConfirmedAction } from '../preload/contract/views.ts';

/** The tabs of a device, in the order of the screen. Their names are in addresses, their titles on the screen. */
export const deviceTabs = [
  { name: 'handshake', title: 'Handshake' },
  { name: 'restore', title: 'State restore' },
  { name: 'config', title: 'Config space' },
  { name: 'errors', title: 'Errors' },
  { name: 'policy', title: 'Policy' },
] as const;
export type DeviceTab = (typeof deviceTabs)[number]['name'];

/** The cards that have an address; a type alone comes from the contract, whose module needs zod no more than this. */
export const confirmedCards = [
  'inject',
  'acknowledge',
  'withdraw',
  'reset',
  'mark',
  'unbind',
  'platform',
] as const satisfies readonly ConfirmedAction[];

const tabPattern = deviceTabs.map(({ name }) => name).join('|');

/** Hash routes: the page is served from one file, and an address never reaches a server. */
export const createConsoleRouter = (history: RouterHistory = createWebHashHistory()): Router =>
  createRouter({
    history,
    routes: [
      { path: '/', name: 'start', component: () => import('./shell/StartPage.vue') },
      { path: '/rig/:rig', name: 'rig', component: () => import('./shell/StartPage.vue') },
      {
        path: `/device/:rig/:address/:tab(${tabPattern})?`,
        name: 'device',
        component: () => import('./shell/DevicePage.vue'),
      },
      {
        path: '/scenarios/:name?',
        name: 'scenarios',
        component: () => import('./views/scenarios/ScenariosView.vue'),
      },
      { path: '/runs/:run?', name: 'runs', component: () => import('./views/runs/RunsView.vue') },
      { path: '/settings', name: 'settings', component: () => import('./views/settings/SettingsView.vue') },
      { path: '/:rest(.*)*', redirect: '/' },
    ],
  });
