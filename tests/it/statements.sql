select status,  to_char(now() - updated_at,'HH24:MI') idle_time, count(1) from clusters group by status, to_char(now() - updated_at,'HH24:MI');
--
select status, to_char(now() - updated_at,'HH24:MI'), count(1) from kafka_requests group by status, to_char(now() - updated_at,'HH24:MI');
--
select lease_type, leader is null from leader_leases order by lease_type;
--
select id, coalesce(nullif(status,''),'(blank)') as status, cloud_provider, region, multi_az, cluster_id, floor(extract(epoch from (clock_timestamp() - updated_at)))::bigint / 60 as idle_min, floor(extract(epoch from (clock_timestamp() - created_at)))::bigint / 60 as age_min from clusters where deleted_at is null order by idle_min desc nulls first, id limit 500;
--
select lease_type, nullif(leader,'') as leader, (coalesce(leader,'') <> '' and expires > clock_timestamp()) as live from leader_leases where deleted_at is null and lease_type = 'failed_kafka' order by lease_type;
--
select * from clusters order by id;
--
select * from kafka_requests order by id limit 3 offset 1;
--
select * from migrations order by 1;
--
select status, count(*), max(extract(epoch from now() - updated_at)::bigint / 60), count(*) filter (where now() - updated_at > interval '45 min') as over from clusters where deleted_at is null group by status order by status;
--
select status, count(*) from clusters group by 1 having count(*) > 1 order by 1;
--
select count(distinct status), count(status), count(*) from clusters;
--
select distinct region, status from clusters order by 1, 2;
--
select region, count(*) n, min(created_at) < max(created_at) as spread from clusters group by region order by n desc, region;
--
select avg(length(id)), sum(length(id)), min(id) <= max(id) from clusters;
--
select bool_and(multi_az), bool_or(multi_az), every(deleted_at is null) from clusters;
--
select status from kafka_requests where status like 'fail%' or status ilike 'PROV%' order by status;
--
select id from clusters where status in ('ready', 'cluster_accepted') and region not in ('x') order by id;
--
select id from clusters where status in (select status from kafka_requests) order by id;
--
select id from clusters where cluster_id not in (select cluster_id from kafka_requests where cluster_id is not null) order by id;
--
select id from clusters c where exists (select 1 from kafka_requests k where k.cluster_id = c.cluster_id) order by 1;
--
select k.name, k.status, c.status as cluster_status, c.region from kafka_requests k join clusters c on c.cluster_id = k.cluster_id order by k.name, c.id;
--
select k.name, c.id from kafka_requests k left join clusters c on c.cluster_id = k.cluster_id and c.deleted_at is null order by k.name, c.id;
--
select c.status, count(k.id) from clusters c left join kafka_requests k using (cluster_id) group by c.status order by 1;
--
select k.name, c.status from kafka_requests k, clusters c where k.cluster_id = c.cluster_id and k.status <> 'ready' order by 1;
--
select count(*) from clusters cross join leader_leases;
--
select count(*) from kafka_requests right join clusters on kafka_requests.cluster_id = clusters.cluster_id;
--
select count(*) from kafka_requests full join clusters on kafka_requests.cluster_id = clusters.cluster_id;
--
select 'clusters' as t, status, count(*) from clusters group by status union all select 'kafkas', status, count(*) from kafka_requests group by status order by 1, 2;
--
select status from clusters union select status from kafka_requests order by status;
--
select status from clusters except select status from kafka_requests order by 1;
--
select status from clusters intersect select status from kafka_requests order by 1;
--
with old as (select id, status from clusters where now() - updated_at > interval '45 min') select status, count(*) from old group by status order by status;
--
with a as (select 1 as x), b as (select x + 1 as y from a) select * from a, b;
--
select t.status, t.n from (select status, count(*) n from clusters group by status) t where t.n > 0 order by t.n, t.status;
--
select (select count(*) from clusters) as clusters, (select count(*) from kafka_requests) as kafkas;
--
select c.*, 1 as one from clusters c where c.status = 'cluster_accepted';
--
select extract(epoch from interval '1 day 2 hours'), extract(hour from interval '26:30'), extract(day from interval '3 days 4 hours');
--
select extract(year from timestamptz '2021-01-15 13:24:01.5+00'), extract(month from timestamptz '2021-01-15'), extract(dow from timestamptz '2021-01-15'), extract(hour from timestamptz '2021-01-15 13:24:01');
--
select date_trunc('hour', timestamptz '2021-01-15 13:24:01.5+00'), date_trunc('day', timestamptz '2021-01-15 13:24:01.5+00'), date_trunc('minute', interval '1 day 02:03:04');
--
select age(timestamptz '2021-01-15 13:24:01+00', timestamptz '2020-11-14 14:00:00+00'), age(timestamptz '2021-03-01', timestamptz '2021-02-28');
--
select justify_hours(interval '50:10'), justify_days(interval '70 days');
--
select to_char(timestamptz '2021-01-15 13:24:01.5+00', 'YYYY-MM-DD HH24:MI:SS.MS'), to_char(timestamptz '2021-01-15 03:04:05', 'HH12:MI AM Day Mon DD'), to_char(interval '50 hours 3 min', 'HH24:MI:SS');
--
select interval '1 day' + interval '2 hours', interval '3 days' * 2, interval '1 hour' / 2, - interval '5 min', interval '90' minute;
--
select timestamptz '2021-01-15 00:00:00+00' + interval '1 month', timestamptz '2021-03-31' - interval '1 month', timestamptz '2021-01-15' - timestamptz '2020-12-31 12:00';
--
select now() = current_timestamp, now() <= clock_timestamp(), now() - now(), statement_timestamp() - now() < interval '1 s';
--
select current_user, session_user, user, current_database(), current_schema(), pg_is_in_recovery(), pg_backend_pid() > 0;
--
select 1 = 1, 1 <> 2, not true, null is null, true and null, null or true, 2 between 1 and 3, 2 not between 1 and 3;
--
select coalesce(null, 'x'), nullif('a', 'a'), greatest(1, 3, 2), least('b', 'a'), case when 1 > 2 then 'no' else 'yes' end;
--
select 7 / 2, 7 % 2, -7 / 2, 7 / 2.0, round(2.567, 1), floor(-1.5), ceil(1.2), abs(-3);
--
select 1::text, '5'::int + 1, 2.5::int, 3.5::int, true::int, 't'::boolean, 1::boolean, cast('1.5' as numeric), 12::bigint;
--
select upper('ab'), lower('AB'), length('abc'), substring('abcdef' from 2 for 3), substr('abcdef', 3), left('abc', 2), right('abc', 2), trim('  x '), replace('aXb', 'X', '-'), 'a' || 'b' || 1, position('b' in 'abc'), strpos('abc', 'c'), split_part('a,b,c', ',', 2), concat('a', null, 1), initcap('hello world'), reverse('abc');
--
select 'abc' ~ '^a', 'ABC' ~* 'b', 'abc' !~ 'x', 'a_b' like 'a\_b', 'abc' not like 'b%';
--
select version() like 'PostgreSQL 15.%';
--
select 'it''s', E'tab\there', $$dollar$$, U&'\0041';
--
select 1 as "Weird Name", 2 as b, 3;
--
select null, true, 1.10, 1e3, .5, 10000000000, 'x'::text, interval '-1 day 2 hours', interval '1 year 2 mons 3 days 04:05:06.7';
--
select 0.1::float8, 1e20::float8, 'NaN'::float8, 1/3.0, 1::numeric/3, 100000000000000000000::numeric * 3;
--
values (1, 'a'), (2, 'b');
--
select * from (values (1, 'a'), (2, 'b')) as t(n, s) order by n desc;
--
select status, count(*) from clusters where updated_at < now() - interval '45 minutes' group by status order by count(*) desc, status;
--
select status, count(*) from clusters where updated_at < now() - '45 minutes'::interval group by 1 order by 2 desc, 1 fetch first 2 rows only;
--
select id from clusters where updated_at is null or updated_at > now();
--
select id from clusters where deleted_at is not null;
--
select id from clusters where status = any (array['ready', 'failed']) order by id;
--
select name, failed_reason from kafka_requests where failed_reason <> '';
--
select multi_az, count(*) from clusters group by multi_az order by multi_az;
--
select to_timestamp(1610717041), extract(epoch from timestamptz '2021-01-15 13:24:01+00')::bigint;
--
select max(updated_at) = (select updated_at from kafka_requests order by updated_at desc nulls last limit 1) from kafka_requests;
--
;
--
select 1; select 2;
--
select 1; select * from nope; select 2;
--
begin; select 1; commit;
--
begin; begin; rollback; rollback;
--
begin; savepoint a; rollback to a; release a; commit;
--
savepoint a;
--
begin; select * from nope; select 1;
--
set local lock_timeout = '1s';
--
set transaction read only;
--
begin read only; update clusters set status = 'x';
--
begin; set transaction read write; commit;
--
set statement_timeout = '100ms'; select pg_sleep(5);
--
set statement_timeout = 50; show statement_timeout;
--
set lock_timeout = '1min'; show lock_timeout;
--
set search_path to public; show search_path;
--
set time zone 'UTC'; show timezone;
--
set application_name = 'x y'; show application_name; reset application_name; show application_name;
--
set nope = 1;
--
set statement_timeout = 'abc';
--
set server_version = '9';
--
show nope;
--
show server_version_num;
--
show transaction isolation level;
--
show default_transaction_read_only;
--
select current_setting('server_version_num')::int / 10000, current_setting('statement_timeout');
--
begin; declare c cursor for select id from migrations order by id; fetch 2 from c; fetch forward 2 from c; fetch all from c; fetch 1 from c; close c; commit;
--
fetch 1 from nope;
--
begin; close nope; rollback;
--
deallocate nope;
--
discard all;
--
update clusters set status='x';
--
delete from clusters;
--
insert into clusters (id) values ('x');
--
insert into nope values (1);
--
truncate clusters;
--
create table x (a int);
--
create index i on clusters (id);
--
drop table clusters;
--
drop table nope;
--
alter table clusters add column x int;
--
create role x;
--
select * from clusters for update;
--
select * from nope;
--
select nope from clusters;
--
select clusters.nope from clusters;
--
select c.id from clusters;
--
select x.id from clusters c;
--
select id from clusters c, kafka_requests k;
--
select nope(1);
--
select count(*), status from clusters;
--
select status, count(*) from clusters group by region;
--
select count(*) from clusters where count(*) > 1;
--
select id from clusters where status = 1;
--
select id from clusters where id;
--
select 1 + 'x';
--
select 'x'::int;
--
select 1 / 0;
--
select interval '1 day' + 1;
--
select 1 = 'a';
--
select now() + 1;
--
select lower(1);
--
select selec;
--
selec 1;
--
select * form clusters;
--
select * from clusters where;
--
select * from clusters where status = 'x;
--
select (1;
--
select 1 from clusters order by 5;
--
select id from clusters limit -1;
--
select id from clusters order by nope;
--
select (select id from clusters);
--
select 99999999999999999999999;
--
select 2147483647 + 1;
--
select '2021-13-01'::timestamptz;
--
select to_char(now(), 'HH24:MI') = to_char(clock_timestamp(), 'HH24:MI');
--
select count(*) from clusters c join clusters c on true;
--
select datname from pg_database where datname = current_database();
--
select relname from pg_class where relname = 'clusters';
--
select table_name from information_schema.tables where table_schema = 'public' order by 1;
--
select column_name, data_type, is_nullable from information_schema.columns where table_name = 'clusters' order by ordinal_position;
--
select schemaname, tablename from pg_tables where schemaname = 'public' order by 1, 2;
--
\d
--
\dt
--
\d clusters
--
\d kafka_requests
--
\d leader_leases
--
\d migrations
--
\d nope
--
\dt clusters
--
\dt nope
--
\di
--
\dn
--
\c managed-services-api
--
\x \\ select status from clusters where status = 'cluster_accepted';
--
\dv
--
\dS clusters
--
\encoding
--
\set FETCH_COUNT 2 \\ select id from migrations order by id;
--
select left(coalesce("id", ''), 201), left(coalesce("cluster_id", ''), 201), left(coalesce("cloud_provider", ''), 201), left(coalesce("region", ''), 3), floor(extract(epoch from (clock_timestamp() - "updated_at")))::bigint / 60, '', left(coalesce("status", ''), 2001), floor(extract(epoch from (clock_timestamp() - case when coalesce("status", '') = 'cluster_provisioning' then "created_at" else "updated_at" end)))::bigint / 60 from "clusters" where "deleted_at" is null and coalesce("status", '') not in ('ready', 'failed') order by floor(extract(epoch from (clock_timestamp() - case when coalesce("status", '') = 'cluster_provisioning' then "created_at" else "updated_at" end)))::bigint / 60 desc nulls last, "id" limit 501;
--
select "id", coalesce("status", '') from "clusters" where "deleted_at" is null order by floor(extract(epoch from (clock_timestamp() - "updated_at")))::bigint / 60 desc nulls last, "id" limit 2;
--
select left(coalesce("id", ''), 201), left(coalesce("failed_reason", ''), 5), floor(extract(epoch from (clock_timestamp() - "updated_at")))::bigint / 60 from "kafka_requests" where "deleted_at" is null and coalesce("status", '') in ('failed') and floor(extract(epoch from (clock_timestamp() - "updated_at")))::bigint < 86400 * 41 order by "updated_at" desc, "id" limit 201;