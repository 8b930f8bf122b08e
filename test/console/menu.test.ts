import type { MenuItemConstructorOptions } from 'electron';
import { describe, expect, it } from 'vitest';
import { mayOpenExternally } from '../../src-main/console/allowedLinks.ts';
import { menuTemplate } from '../../src-main/console/menu.ts';

const flat = (items: readonly MenuItemConstructorOptions[]): MenuItemConstructorOptions[] =>
  items.flatMap((item) => [item, ...(Array.isArray(item.submenu) ? flat(item.submenu) : [])]);

const lab = (packaged: boolean) => {
  const routes: string[] = [];
  const links: string[] = [];
  const items = flat(
    menuTemplate({ packaged, goTo: (route) => routes.push(route), openLink: (url) => links.push(url) }),
  );
  const click = (): void => {
    for (const { click: deed } of items) (deed as (() => void) | undefined)?.();
  };
  return { items, routes, links, click };
};

describe('the application menu', () => {
  it('has developer tools only while the app is not packaged', () => {
    const roles = (packaged: boolean) => lab(packaged).items.map(({ role }) => role);
    expect(roles(false)).toContain('toggleDevTools');
    expect(roles(true)).not.toContain('toggleDevTools');
  });

  it('opens the console’s own pages by their routes', () => {
    const { routes, click } = lab(true);
    click();
    expect(routes).toEqual(['/', '/scenarios', '/runs', '/settings']);
  });

  it('links to nothing that is not allowed', () => {
    const { links, click } = lab(true);
    click();
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) expect([link, mayOpenExternally(link)]).toEqual([link, true]);
  });

  it('gives no key twice', () => {
    const keys = lab(false).items.flatMap(({ accelerator }) => accelerator ?? []);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
