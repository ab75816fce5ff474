/**
 * The peer: the smallest echo bot of teams-ai, written as its samples are, with the SDK's own token check. Only what
 * keeps it on this machine differs: where the channel's keys are read, and an outgoing token that needs no sign-in.
 * Must not be tuned.
 */
import { Application, TeamsAdapter } from '@microsoft/teams-ai';
import { AppCredentials, PasswordServiceClientCredentialFactory } from 'botframework-connector';
import restify from 'restify';

const { PORT, MicrosoftAppId, OPENID_METADATA_URL } = process.env;

class LocalCredentials extends AppCredentials {
  async refreshToken() {
    return { accessToken: 'token', expiresOn: new Date(Date.now() + 3_600_000) };
  }
}

class LocalCredentialFactory extends PasswordServiceClientCredentialFactory {
  async createCredentials(appId, audience) {
    return new LocalCredentials(appId, undefined, audience);
  }
}

// One of these settings alone would switch the defaults of all others off, so the public cloud's values are repeated.
const settings = {
  MicrosoftAppId,
  MicrosoftAppPassword: 'secret',
  ToChannelFromBotLoginUrl: 'https://login.microsoftonline.com/botframework.com',
  ToChannelFromBotOAuthScope: 'https://api.botframework.com',
  ToBotFromChannelTokenIssuer: 'https://api.botframework.com',
  OAuthUrl: 'https://api.botframework.com',
  ToBotFromChannelOpenIdMetadataUrl: OPENID_METADATA_URL,
  ToBotFromEmulatorOpenIdMetadataUrl:
    'https://login.microsoftonline.com/botframework.com/v2.0/.well-known/openid-configuration',
  CallerId: 'urn:botframework:azure',
};
const adapter = new TeamsAdapter(settings, new LocalCredentialFactory(MicrosoftAppId, 'secret'));
adapter.onTurnError = async (_context, error) => {
  console.error(error);
};

const app = new Application();
app.activity('message', async (context) => {
  await context.sendActivity(`You said: ${context.activity.text}`);
});

const server = restify.createServer();
server.use(restify.plugins.bodyParser());
server.get('/readyz', async (_req, res) => {
  res.send(200);
});
server.post('/api/messages', async (req, res) => {
  await adapter.process(req, res, async (context) => {
    await app.run(context);
  });
});
server.listen(Number(PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
