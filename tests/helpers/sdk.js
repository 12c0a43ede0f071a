// The vendor's own SDK against gc-sim: signs in, looks around, makes a
// channel, subscribes, and gets an event.  One line for each step; the
// socket is ours, since the SDK has none.  NODE_PATH names the SDK.
'use strict';
const http = require('http');
const https = require('https');
const sdk = require('purecloud-platform-client-v2');

const url = new URL(process.env.GC_API_URL);
const client = sdk.ApiClient.instance;
client.setGateway({
	host: url.hostname, port: url.port, protocol: url.protocol.slice(0, -1),
});

function listen(uri, wanted) {
	const at = new URL(uri);
	return new Promise((resolve, reject) => {
		const request = (at.protocol === 'wss:' ? https : http).request({
			host: at.hostname, port: at.port, path: at.pathname,
			headers: {
				Connection: 'Upgrade', Upgrade: 'websocket',
				'Sec-WebSocket-Version': '13',
				'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
			},
		});
		request.on('upgrade', (answer, socket, head) => {
			let text = head.toString();
			socket.on('data', (bytes) => {
				text += bytes;
				if (text.includes(wanted)) {
					socket.destroy();
					resolve(text);
				}
			});
		});
		request.on('error', reject);
		request.end();
	});
}

async function main() {
	await client.loginClientCredentialsGrant(process.env.GC_CLIENT_ID,
	    process.env.GC_CLIENT_SECRET);
	console.log('signed in');
	const users = await new sdk.UsersApi().getUsers({
		pageSize: 100, state: 'active',
		expand: ['presence', 'routingStatus'],
	});
	console.log('users', users.total, users.entities.length,
	    users.entities.every((u) => u.presence.presenceDefinition.id &&
	    u.routingStatus.status));
	const one = users.entities[0].id;
	const routing = await new sdk.UsersApi().getUserRoutingstatus(one);
	console.log('routing', routing.userId === one);
	const presence = await new sdk.PresenceApi()
	    .getUserPresencesPurecloud(one);
	console.log('presence', presence.source);
	const definitions = await new sdk.PresenceApi()
	    .getPresenceDefinitions0({});
	console.log('definitions', definitions.entities.some((d) =>
	    d.id === presence.presenceDefinition.id));
	const queues = await new sdk.RoutingApi().getRoutingQueues({});
	const members = await new sdk.RoutingApi().getRoutingQueueMembers(
	    queues.entities[0].id, { pageSize: 100 });
	console.log('members', members.entities.every((m) => m.user.id));
	const teams = await new sdk.TeamsApi().getTeams({});
	const team = await new sdk.TeamsApi().getTeamMembers(
	    teams.entities[0].id, {});
	console.log('team', team.entities.every((m) => m.name));
	const notifications = new sdk.NotificationsApi();
	const channel = await notifications.postNotificationsChannels();
	const topics = await notifications
	    .putNotificationsChannelSubscriptions(channel.id,
	    users.entities.map((u) => ({ id: `v2.users.${u.id}.activity` })),
	    { ignoreErrors: true });
	console.log('topics', topics.entities.length,
	    topics.entities[0].state);
	const text = await listen(channel.connectUri, '"CorrelationId"');
	console.log('event', /"topicName":"v2.users.[^"]*.activity"/.test(text));
	await notifications.deleteNotificationsChannelSubscriptions(channel.id);
	await new sdk.TokensApi().deleteTokensMe();
	const refused = await new sdk.UsersApi().getUsers({}).catch((e) => e);
	console.log('signed out', refused.status);
}

main().catch((e) => {
	console.log('failed', e.status, e.message || e);
	process.exit(1);
});
