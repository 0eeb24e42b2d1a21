create table packages (
    package varchar(200) not null,
    architecture varchar(20) not null,
    source text not null,
    version text not null,
    section text not null,
    priority text not null,
    multi_arch text,
    installed_kib bigint,
    download_bytes bigint not null,
    depends text,
    essential boolean not null,
    primary key (package, architecture)
);
