-- Run once, by the image's entrypoint as the server's superuser, when the volume is new.
--
-- The services' role owns its database and may make others, for a restore beside it. It is no
-- superuser, who could read files and run programs on the server; that one has no password, so it
-- logs in over the socket in the container only.
\set password `cat /run/secrets/postgres_password`
CREATE ROLE qck LOGIN CREATEDB PASSWORD :'password';
ALTER DATABASE qck OWNER TO qck;
ALTER ROLE postgres PASSWORD NULL;
