// What Shlink's own JavaScript SDK is used for, call by call, against API_URL with API_KEY.
import assert from 'node:assert/strict';
import { ShlinkApiClient } from '@shlinkio/shlink-js-sdk';
import { ErrorType } from '@shlinkio/shlink-js-sdk/api-contract';
import { FetchHttpClient } from '@shlinkio/shlink-js-sdk/fetch';
import { NodeHttpClient } from '@shlinkio/shlink-js-sdk/node';

const { API_URL: baseUrl, API_KEY: apiKey } = process.env;

const fails = async (call, status, type) => {
  const error = await call.then(() => assert.fail('this must fail'), (problem) => problem);
  assert.equal(error.status, status);
  assert.ok(error.type.endsWith(type), error.type);
  for (const member of ['title', 'detail']) assert.equal(typeof error[member], 'string');
  return error;
};

const exercise = async (client, name) => {
  const health = await client.health();
  assert.equal(health.status, 'pass');
  assert.ok(Number(health.version.split('.')[0]) >= 5, health.version);

  const long = { longUrl: `https://example.org/${name}?a=1`, tags: [`${name}-red`, `${name}-blue`] };
  const created = await client.createShortUrl({ ...long, customSlug: name, validUntil: '2099-01-01' });
  assert.equal(created.shortCode, name);
  assert.deepEqual(await client.getShortUrl({ shortCode: name }), { ...created, tags: created.tags.toSorted() });
  const plain = await client.createShortUrl({ longUrl: long.longUrl, maxVisits: 3 });
  const list = await client.listShortUrls({
    searchTerm: name, itemsPerPage: 5, orderBy: { field: 'dateCreated', dir: 'DESC' },
  });
  assert.deepEqual(list.data[0], plain);
  assert.equal(list.pagination.totalItems, 2);
  const tagged = await client.listShortUrls({ tags: long.tags, tagsMode: 'all', excludePastValidUntil: true });
  assert.deepEqual(tagged.data.map(({ shortCode }) => shortCode), [name]);

  const there = await client.createShortUrl({ ...long, domain: `${name}.test`, pathPrefix: 'p-' });
  assert.ok(there.shortCode.startsWith('p-'));
  const key = { shortCode: there.shortCode, domain: `${name}.test` };
  const edited = await client.updateShortUrl(key, {
    title: 'a title', maxVisits: 7, tags: [`${name}-green`], crawlable: true, forwardQuery: false,
  });
  assert.deepEqual(
    [edited.title, edited.meta.maxVisits, edited.tags, edited.crawlable, edited.forwardQuery],
    ['a title', 7, [`${name}-green`], true, false],
  );
  assert.equal((await client.updateShortUrl(key, { title: null })).title, null);

  const old = { oldName: `${name}-green`, newName: `${name}-GREEN` };
  assert.deepEqual(await client.editTag(old), old);
  assert.deepEqual((await client.getShortUrl(key)).tags, [old.newName]);
  assert.ok((await client.listTags()).data.includes(old.newName));
  const stats = (await client.tagsStats()).data.find(({ tag }) => tag === `${name}-red`);
  assert.equal(stats.shortUrlsCount, 1);
  assert.deepEqual(stats.visitsSummary, { total: 0, nonBots: 0, bots: 0 });
  await fails(client.editTag({ oldName: `${name}-red`, newName: `${name}-blue` }), 409, '/tag-conflict');
  await fails(client.editTag({ oldName: 'nope', newName: 'x' }), 404, '/tag-not-found');
  await client.deleteTags([`${name}-red`, old.newName]);
  assert.deepEqual((await client.getShortUrl({ shortCode: name })).tags, [`${name}-blue`]);

  const domains = await client.listDomains();
  assert.equal(domains.data[0].isDefault, true);
  assert.ok(domains.data.some(({ domain }) => domain === `${name}.test`));
  const redirects = await client.editDomainRedirects({
    domain: `${name}.test`, baseUrlRedirect: 'https://example.org/', invalidShortUrlRedirect: null,
  });
  assert.deepEqual(redirects, {
    baseUrlRedirect: 'https://example.org/', regular404Redirect: null, invalidShortUrlRedirect: null,
  });

  const taken = await fails(client.createShortUrl({ ...long, customSlug: name }), 400, '/non-unique-slug');
  assert.equal(taken.customSlug, name);
  const invalid = await fails(client.createShortUrl({ longUrl: 'x', customSlug: 'a?b' }), 400, '/invalid-data');
  assert.equal(invalid.type, ErrorType.INVALID_ARGUMENT ?? invalid.type);
  assert.deepEqual(invalid.invalidElements, ['longUrl', 'customSlug']);
  await fails(client.mercureInfo(), 501, '/mercure-not-configured');
  for (const short of [{ shortCode: name }, key, { shortCode: plain.shortCode }]) {
    await client.deleteShortUrl(short);
    await fails(client.getShortUrl(short), 404, '/short-url-not-found');
  }
};

const server = { baseUrl, apiKey };
await exercise(new ShlinkApiClient(new NodeHttpClient(), server), 'node');
await exercise(new ShlinkApiClient(new FetchHttpClient(), server), 'fetch');
const stranger = new ShlinkApiClient(new NodeHttpClient(), { baseUrl, apiKey: 'wrong' });
await fails(stranger.listTags(), 401, '/invalid-api-key');
