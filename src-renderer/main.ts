import '@fontsource/ibm-plex-sans/latin-400.css';
import '@fontsource/ibm-plex-sans/latin-500.css';
import '@fontsource/ibm-plex-sans/latin-600.css';
import '@fontsource/ibm-plex-mono/latin-400.css';
import '@fontsource/ibm-plex-mono/latin-500.css';
import './styles/tokens.css';
import './styles/base.css';
import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import { connectBridge } from './bridge/connectBridge.ts';
import { createConsoleRouter } from './router.ts';
import { useBench } from './stores/bench.ts';

// Before the router reads the address: the token is taken out of it.
const link = connectBridge();
const app = createApp(App).use(createPinia()).use(createConsoleRouter());
useBench().connect(link);
app.mount('#app');
