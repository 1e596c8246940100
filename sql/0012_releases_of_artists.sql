-- The releases of an artist, for what somebody's listens to the artist are made of.
create index releases_artist on refrain.releases (artist_id);
