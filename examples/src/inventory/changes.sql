-- bash is brought up to date
update packages
    set version = '5.2.37-2+b10', installed_kib = 7196, download_bytes = 1500792
    where package = 'bash' and architecture = 'amd64';
-- curl gets a release that is not the catalogue's
update packages set version = '8.14.1-2' where package = 'curl';
-- sl, which agreed, is filed elsewhere
update packages set section = 'misc' where package = 'sl';
-- python3.11, which should not be there, goes; so does cowsay, which should
delete from packages where package in ('python3.11', 'cowsay');
-- a package that was missing comes, and one that nobody expects
insert into packages values
    ('android-udev-rules', 'all', 'android-udev-rules', '0~20250314+ds-5',
     'devel', 'optional', 'foreign', 53, 11316, null, false),
    ('shadow-tool', 'amd64', 'shadow-tool', '1.0',
     'utils', 'optional', null, 120, 40960, null, false);
