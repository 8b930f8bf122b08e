import type { Configuration } from 'electron-builder';

const given = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? '';

/**
 * `npm run package`: the app for Linux, as a folder, an AppImage and a Debian package, in dist/.
 *
 * With ELECTRON_OVERRIDE_DIST_PATH the runtime is the one that is there, as for everything else here; otherwise
 * electron-builder fetches the one of the package `electron`.
 */
const configuration = {
  appId: 'recovery-bench',
  productName: 'Recovery Bench',
  executableName: 'recovery-bench',
  directories: { output: 'dist', buildResources: 'resources/icon' },
  files: [
    { from: 'out', to: 'out' },
    { from: 'resources', to: 'resources', filter: ['**/*', '!screenshots'] },
    'package.json',
    // The fonts are in the page that was built.
    '!node_modules/@fontsource',
    '!node_modules/**/*.{md,map,d.ts,ts}',
  ],
  asar: true,
  // A shared object is loaded by the dynamic linker, which cannot look into the archive.
  asarUnpack: ['node_modules/koffi', 'node_modules/@koromix'],
  // koffi brings its own built objects, with an interface that is the same for every Node.
  npmRebuild: false,
  // Electron's security checklist, item 19. What is not named keeps the runtime's default.
  electronFuses: {
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    grantFileProtocolExtraPrivileges: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    enableCookieEncryption: true,
  },
  ...(given === '' ? {} : { electronDist: given }),
  linux: {
    target: ['dir', 'AppImage', 'deb'],
    icon: 'icon.png',
    category: 'Development',
    synopsis: 'Lab console for PCI error recovery through VFIO',
    maintainer: 'The Recovery Bench maintainers <recovery-bench@localhost>',
  },
} satisfies Configuration;

export default configuration;
