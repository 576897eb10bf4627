/* Made by tools/gen_zones from release 2026f of the IANA time zone database, which is in the public domain. Part 1 of 2.
 * zones.c says what the text means. */
#include "base/zones/zones_internal.h"

/* clang-format off */
const char wgi_zones_version[] = "2026f";

const uint32_t wgi_zones_count_1 = 269;

const wgi_zone_source wgi_zones_1[] = {
    {"Africa/Abidjan", "-968,0;A-1mhirdoB;GMT0"},
    {"Africa/Accra", "=Africa/Abidjan"},
    {"Africa/Addis_Ababa", "8836,9000,9900,10800;A-1q00bg4B+iuu22sDo9k2B3g65uC2phthD;EAT-3"},
    {"Africa/Algiers",
        "0,561,732,3600,7200;C-2a3cp6sB+ipdd9bA+4uea51D4p90A7km0D8l10A6n50D98n0A6da0D9ii0A5pk0Db2c0A67m0D4b70A94g00D2"
        "vlsA49toD21rt4E88a4D7nhsE7an8Dguq0A4lemsD3jl64A40tu0D6oi0A2q01sDe4q0E7vvsDhgv8A7vvsD89qsA7vs4D;CET-1"},
    {"Africa/Asmara", "=Africa/Addis_Ababa"},
    {"Africa/Asmera", "=Africa/Addis_Ababa"},
    {"Africa/Bamako", "=Africa/Abidjan"},
    {"Africa/Bangui", "0,815,1800,3600;B-1sl93pfA+2q9rpfB+55jouhC+5afat7D;WAT-1"},
    {"Africa/Banjul", "=Africa/Abidjan"},
    {"Africa/Bissau", "-3740,-3600,0;A-1mhiorgBvj770C;GMT0"},
    {"Africa/Blantyre", "7200,7818;B-1pbqakaA;CAT-2"},
    {"Africa/Brazzaville", "=Africa/Bangui"},
    {"Africa/Bujumbura", "=Africa/Blantyre"},
    {"Africa/Cairo",
        "7200,7509,10800;B-2145cilA+15dcpplC3dk4A8jlsC6og4A8l2sC95r4A6rdsC9cs4A6lpsC9cs4A79fsC8np4A5othsC6ae4A9a5sC6n"
        "34A9a7oC6lpsA9cs4C6lpsA9bf4C6lpsA9bf4C6lpsA9bf4C6lpsA9cs4C6lpsA9bf4C6lpsA9bf4C6n6sA9a24C6n6sA9bf4C6n6sA9a24C"
        "6n6sA9a24C6n6sA9a24C6n6sA9bf4C6n6sA9a24C6n6sA9a24C6n6sA9a24C6n6sA9bf4C6n6sA9a24C6n6sA9a24C6n6sA9a24C6n6sA9bf"
        "4C6n6sA9a24C6n6sAd1j4C2vlsAcfa4C3husA9bf4C6n6sA9a24C6n6sA9a24C6n6sA9a24C6n6sA9bf4C6n6sA9h34C6g5sA9a24C6n6sA9"
        "a24C6n6sA9bf4C6n6sA9a24C6n6sA9a24C6n6sA95p8C6og4A97bsC6og4A97bsC6og4A97bsC6og4A9h6sC6og4A97bsC6og4A97bsC6og4"
        "A97bsC6og4A97bsC6og4A9h6sC6og4A97bsC6og4A97bsC6el4A9h6sC5qv4Aa4ssC5h44AaensC5794Ab2dsC4gp4A1a7sCtf4A1q4gsC1r"
        "04A1h8sC2em4A49q1sC;EET-2EEST,M4.5.5/0,M10.5.4/24"},
    {"Africa/Casablanca",
        "-1820,0,3600;A-1kqs1j4B+oaq6n4C2vi4B49rsC2rv74B296rsC64q4B8ac1cC57vkB3c0jsC30v4Bqn1sC41a4BbvusC6is4BapvsC2pu"
        "4B2q48sCsqe4Bb7p0sC41a4BbvusC3hr4Bb57sC49o4BaensC5794Bc02kC3ja0B1bj0C1pl0B97a0C32e0B1fq0C3dm0B6oi0C3ui0B1h70"
        "C3nh0B6oi0C3c90B1h70C49q0B6oi0C32e0B1h70C4tg0B6en0C2eo0B1r20C57b0B6en0C24t0B1h70Ce4q0B1h70Cdqv0B1r20Cdqv0B1h"
        "70Cdqv0B1r20Cdqv0B1h70Ce4q0B1h70Cdqv0B1r20Cdqv0B1h70C7vs4B;<+00>0"},
    {"Africa/Ceuta",
        "-1276,0,3600,7200;A-20siio0B8mch4C6og4B2olrsC7ggsBoje4C7c9sB89n4C7m4sB8jk0C7m30Bjce4gC57vkB3c0jsC30v4Bqn1sC4"
        "1a4BbvusC6is4BapvsC2pu4B2q48sC10m9sD7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D89p0C7vu0D7vu0C7vu0D7vu0C7vu0D7v"
        "u0C7vu0D7vu0C7vu0D7vu0C89p0D;CET-1CEST,M3.5.0,M10.5.0/3"},
    {"Africa/Conakry", "=Africa/Abidjan"},
    {"Africa/Dakar", "=Africa/Abidjan"},
    {"Africa/Dar_es_Salaam", "=Africa/Addis_Ababa"},
    {"Africa/Djibouti", "=Africa/Addis_Ababa"},
    {"Africa/Douala", "=Africa/Bangui"},
    {"Africa/El_Aaiun",
        "-3600,-3168,0,3600;B-11re3p0A+17ohftgCnr4D41a4CbvusD6is4CapvsD2pu4CeunnsD41a4CbvusD3hr4Cb57sD49o4CaensD5794C"
        "c02kD3ja0C1bj0D1pl0C97a0D32e0C1fq0D3dm0C6oi0D3ui0C1h70D3nh0C6oi0D3c90C1h70D49q0C6oi0D32e0C1h70D4tg0C6en0D2eo"
        "0C1r20D57b0C6en0D24t0C1h70De4q0C1h70Ddqv0C1r20Ddqv0C1h70Ddqv0C1r20Ddqv0C1h70De4q0C1h70Ddqv0C1r20Ddqv0C1h70D7"
        "vs4C;<+00>0"},
    {"Africa/Freetown", "=Africa/Abidjan"},
    {"Africa/Gaborone", "=Africa/Blantyre"},
    {"Africa/Harare", "=Africa/Blantyre"},
    {"Africa/Johannesburg", "5400,6720,7200,10800;B-2989fm0A5heemCjqtiqD7vs4C7vvsD7vs4C;SAST-2"},
    {"Africa/Juba",
        "7200,7588,10800;B-14lo994A+14vkf84C7ap4A8l2sC7c64A8mfsC7c64A8jlsC7dj4A8i8sC7f04A8grsC7gd4A8fesC7j74A8cksC7kk"
        "4A8l2sC7c64A8jlsC7dj4A8i8sC7gd4A8fesC7hq4A8e1sC7j74A8cksC7kk4A8l2sC7dj4A8i8sC7f04A74o9cCahqfkA;CAT-2"},
    {"Africa/Kampala", "=Africa/Addis_Ababa"},
    {"Africa/Khartoum",
        "7200,7808,10800;B-14lo9g0A+14vkff0C7ap4A8l2sC7c64A8mfsC7c64A8jlsC7dj4A8i8sC7f04A8grsC7gd4A8fesC7j74A8cksC7kk"
        "4A8l2sC7c64A8jlsC7dj4A8i8sC7gd4A8fesC7hq4A8e1sC7j74A8cksC7kk4A8l2sC7dj4A8i8sC7f04A74o9cC8tjrkA;CAT-2"},
    {"Africa/Kigali", "=Africa/Blantyre"},
    {"Africa/Kinshasa", "=Africa/Bangui"},
    {"Africa/Lagos", "=Africa/Bangui"},
    {"Africa/Libreville", "=Africa/Bangui"},
    {"Africa/Lome", "=Africa/Abidjan"},
    {"Africa/Luanda", "=Africa/Bangui"},
    {"Africa/Lubumbashi", "=Africa/Blantyre"},
    {"Africa/Lusaka", "=Africa/Blantyre"},
    {"Africa/Malabo", "=Africa/Bangui"},
    {"Africa/Maputo", "=Africa/Blantyre"},
    {"Africa/Maseru", "=Africa/Johannesburg"},
    {"Africa/Mbabane", "=Africa/Johannesburg"},
    {"Africa/Mogadishu", "=Africa/Addis_Ababa"},
    {"Africa/Monrovia", "-2670,-2588,0;B-1fq14r4A+1hmlreiC;GMT0"},
    {"Africa/Nairobi", "=Africa/Addis_Ababa"},
    {"Africa/Ndjamena", "3600,3612,7200;B-1mhivssA+1vnvs8cC6d84A;WAT-1"},
    {"Africa/Niamey", "=Africa/Bangui"},
    {"Africa/Nouakchott", "=Africa/Abidjan"},
    {"Africa/Ouagadougou", "=Africa/Abidjan"},
    {"Africa/Porto-Novo", "=Africa/Bangui"},
    {"Africa/Sao_Tome", "-2205,0,1616,3600;C-2gs60mgA+qaj4agB1l5dqsDg190B;GMT0"},
    {"Africa/Timbuktu", "=Africa/Abidjan"},
    {"Africa/Tripoli",
        "3164,3600,7200;A-1f0qfmsB+tshrvcC3etcBse0kC3lucBrvqsC42n4B1g59sCbh5r4B3ujsC8194B7vvsC8194B81csC8194B870sC7q8"
        "4B846sC7vs4B7t5sC8194B81csC8194B7vvsC8194B9ecsC36rv4B85jsC7qe8sB63f0C;EET-2"},
    {"Africa/Tunis",
        "561,2444,3600,7200;B-2jbjr0cA+s1kf2rC+qdke4hD9h50C4b70Dpqs0C6ojsDaepoC6en0Dql4Cb9sD73o4C7vvsD886cC7nlkD7alcC"
        "frgqsD6en0C9jv0D6n50C4r5f0D5340C7vu0D7vu0C9jv0D6lo0C7a330D6lpsC7ousD9h50C6en0D9h50C6oi0D97a0C;CET-1"},
    {"Africa/Windhoek",
        "3600,4104,5400,7200,10800;B-2989d48C+acn0vgDjqtiqE7vs4Dpiji4A7b0kD9784A6ojsD9h34A6eosD9h34A6ojsD9784A6ojsD97"
        "84A6ojsD9784A6ojsD9784A6ojsD9h34A6eosD9h34A6ojsD9784A6ojsD9784A6ojsD9784A6ojsD9784A6ojsD9h34A6ojsD9784A6ojsD"
        "9784A6ojsD9784A6ojsD9784A6ojsD9h34A6eosD9h34A6ojsD9784A6ojsD9784A6ojsD9784A6ojsD;CAT-2"},
    {"America/Adak",
        "-42398,-39600,-36000,-32400,44002;E-303q0hfA+us8n4dB+1703qjiC1qcr4BbqbrsC7vs4B7vvsC7vs4B7vvsC89n4B7vvsC7vs4B"
        "7vvsC7vs4B32fsCctc4B57csCaof4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sCg9l"
        "4D7vs4C7vvsD7vs4C7vvsD7vs4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6"
        "ojsD9784C72esD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD9784C6ojsD9784"
        "C6ojsD9784C5r2sD;HST10HDT,M3.2.0,M11.1.0"},
    {"America/Anchorage",
        "-36000,-35976,-32400,-28800,50424;E-303q0hfB+us8grnA+1703tboC1qcr4AbqbrsC7vs4A7vvsC7vs4A7vvsC89n4A7vvsC7vs4A"
        "7vvsC7vs4A32fsCctc4A57csCaof4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7m4sCg9l"
        "4D7vs4C7vvsD7vs4C7vvsD7vs4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6"
        "ojsD9784C72esD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD9784C6ojsD9784"
        "C6ojsD9784C5r2sD;AKST9AKDT,M3.2.0,M11.1.0"},
    {"America/Anguilla", "-15865,-14400,-10800;A-22hiqi7B+18gv787C1mo7sB;AST4"},
    {"America/Antigua", "=America/Anguilla"},
    {"America/Araguaina",
        "-11568,-10800,-7200;A-1klb2ugB+gm9ldgC7tqgB846sC7t24B8bh9sC5v80Ba210C5a34Ban5sC5bg4Ban5sC3ug4B5ctksC3kl4Beoh"
        "sC2ka4Ban5sC3ui0Baoh0C58m4BaoisC5a34B8rlcsC5qv4B9r1sC4te4Bb3qsC4jj4Bb2dsC4jj4Bbc8sC5794B2r1psC5794BaensC5qv4"
        "Ba69sC6d84B9r1sC5qv4B9r1sC6el4B9r1sC5qv4BaensC5h44Bbc8sC4jj4B4rb4sC5794B;<-03>3"},
    {"America/Argentina/Buenos_Aires",
        "-15408,-14400,-14028,-10800,-7200;C-26m6ltkAcp8dnB+9uhgogD5a34B8l2sD6204BaoisD58m4BaoisD58m4BaoisD58m4BaoisD"
        "5a34BaoisD58m4BaoisD58m4BaoisD58m4BaoisD5a34B5bjsDfan4B5bjsDsp14B39gsD164i4B9cvsD8grb4B39gsD3c74Ba0lsD60j4Ba"
        "0lsD60j4Ba0lsD7dj4B7vvsD89n4B7vvsD7vs4B7vvsD25154E49o4D7a4hsE4444D9r1sE64q4Da4ssE5qv4Da4ssE5qv4Da4ssE64q4D7d"
        "p8sE3c74D9h6sE6el4D;<-03>3"},
    {"America/Argentina/Catamarca",
        "-15788,-15408,-14400,-10800,-7200;A-26m6k6kB+nvbo04C+9uhgogD5a34C8l2sD6204CaoisD58m4CaoisD58m4CaoisD58m4Caoi"
        "sD5a34CaoisD58m4CaoisD58m4CaoisD58m4CaoisD5a34C5bjsDfan4C5bjsDsp14C39gsD164i4C9cvsD8grb4C39gsD3c74Ca0lsD60j4"
        "Ca0lsD60j4Ca0lsD7dj4C7vvsD89n4C7vvsD7vs4C7vvsD25154E49o4D7a4hsE4444D9r1sE64q4Da4ssE5qv4Ca4uoE5qt8Da4ssE64q4D"
        "5kb9sCqosD1oj64E3c74D;<-03>3"},
    {"America/Argentina/ComodRivadavia", "=America/Argentina/Catamarca"},
    {"America/Argentina/Cordoba",
        "-15408,-14400,-10800,-7200;A-1emqs6gB+9uhgogC5a34B8l2sC6204BaoisC58m4BaoisC58m4BaoisC58m4BaoisC5a34BaoisC58m"
        "4BaoisC58m4BaoisC58m4BaoisC5a34B5bjsCfan4B5bjsCsp14B39gsC164i4B9cvsC8grb4B39gsC3c74Ba0lsC60j4Ba0lsC60j4Ba0ls"
        "C7dj4B7vvsC89n4B7vvsC7vs4B7vvsC25154D49o4C7a4hsD4444C9r1sD64q4Ca4ssD5qv4Ba4uoD5qt8Ca4ssD64q4C7dp8sD3c74C9h6s"
        "D6el4C;<-03>3"},
    {"America/Argentina/Jujuy",
        "-15672,-15408,-14400,-10800,-7200;A-26m6ka8B+nvbo3oC+9uhgogD5a34C8l2sD6204CaoisD58m4CaoisD58m4CaoisD58m4Caoi"
        "sD5a34CaoisD58m4CaoisD58m4CaoisD58m4CaoisD5a34C5bjsDfan4C5bjsDsp14C39gsD164i4C9cvsD8grb4C39gsD3c74Ca0lsD60j4"
        "Ca0lsD60j4Ca0lsD7dj4C7vvsD89n4C7vvsD7vs4C7vvsD25154E49o4D7a4hsE4444D9r1sE64q4CaepoD64q4C8tgsE6ej8Da4ssE64q4D"
        "7dp8sE3c74D;<-03>3"},
    {"America/Argentina/La_Rioja",
        "-16044,-15408,-14400,-10800,-7200;A-26m6jukB+nvbno4C+9uhgogD5a34C8l2sD6204CaoisD58m4CaoisD58m4CaoisD58m4Caoi"
        "sD5a34CaoisD58m4CaoisD58m4CaoisD58m4CaoisD5a34C5bjsDfan4C5bjsDsp14C39gsD164i4C9cvsD8grb4C39gsD3c74Ca0lsD60j4"
        "Ca0lsD60j4Ca0lsD7dj4C7vvsD89n4C7vvsD7vs4C7vvsD25154E49o4D7a4hsE4444D9r1sE64q4Da4ssE5o54C2uaoD79c4E5qv4Da4ssE"
        "64q4D5kb9sCqosD1oj64E3c74D;<-03>3"},
    {"America/Argentina/Mendoza",
        "-16516,-15408,-14400,-10800,-7200;A-26m6jfsB+nvbn9cC+9uhgogD5a34C8l2sD6204CaoisD58m4CaoisD58m4CaoisD58m4Caoi"
        "sD5a34CaoisD58m4CaoisD58m4CaoisD58m4CaoisD5a34C5bjsDfan4C5bjsDsp14C39gsD164i4C9cvsD8grb4C39gsD3c74Ca0lsD60j4"
        "Ca0lsD60j4Ca0lsD7dj4C7vvsD89n4C7vvsD7vs4C7vvsD25154E49o4D7a4hsE4444D9r1sE64q4C9sgoD60j4Ca0lsD6204Ca4ssE64o8D"
        "5juksC5h7sD1k9c4E3c74D;<-03>3"},
    {"America/Argentina/Rio_Gallegos",
        "-16612,-15408,-14400,-10800,-7200;A-26m6jcsB+nvbn6cC+9uhgogD5a34C8l2sD6204CaoisD58m4CaoisD58m4CaoisD58m4Caoi"
        "sD5a34CaoisD58m4CaoisD58m4CaoisD58m4CaoisD5a34C5bjsDfan4C5bjsDsp14C39gsD164i4C9cvsD8grb4C39gsD3c74Ca0lsD60j4"
        "Ca0lsD60j4Ca0lsD7dj4C7vvsD89n4C7vvsD7vs4C7vvsD25154E49o4D7a4hsE4444D9r1sE64q4Da4ssE5qv4Da4ssE5qv4Da4ssE64q4D"
        "5kb9sCqosD1oj64E3c74D;<-03>3"},
    {"America/Argentina/Salta",
        "-15700,-15408,-14400,-10800,-7200;A-26m6k9cB+nvbo2sC+9uhgogD5a34C8l2sD6204CaoisD58m4CaoisD58m4CaoisD58m4Caoi"
        "sD5a34CaoisD58m4CaoisD58m4CaoisD58m4CaoisD5a34C5bjsDfan4C5bjsDsp14C39gsD164i4C9cvsD8grb4C39gsD3c74Ca0lsD60j4"
        "Ca0lsD60j4Ca0lsD7dj4C7vvsD89n4C7vvsD7vs4C7vvsD25154E49o4D7a4hsE4444D9r1sE64q4Da4ssE5qv4Ca4uoE5qt8Da4ssE64q4D"
        "7dp8sE3c74D;<-03>3"},
    {"America/Argentina/San_Juan",
        "-16444,-15408,-14400,-10800,-7200;A-26m6ji4B+nvbnbkC+9uhgogD5a34C8l2sD6204CaoisD58m4CaoisD58m4CaoisD58m4Caoi"
        "sD5a34CaoisD58m4CaoisD58m4CaoisD58m4CaoisD5a34C5bjsDfan4C5bjsDsp14C39gsD164i4C9cvsD8grb4C39gsD3c74Ca0lsD60j4"
        "Ca0lsD60j4Ca0lsD7dj4C7vvsD89n4C7vvsD7vs4C7vvsD25154E49o4D7a4hsE4444D9r1sE64q4Da4ssE5o54C2uaoD79c4E5qv4Da4ssE"
        "64q4D5k9ssC2dcsD1n1v4E3c74D;<-03>3"},
    {"America/Argentina/San_Luis",
        "-15924,-15408,-14400,-10800,-7200;A-26m6k2cB+nvbnrsC+9uhgogD5a34C8l2sD6204CaoisD58m4CaoisD58m4CaoisD58m4Caoi"
        "sD5a34CaoisD58m4CaoisD58m4CaoisD58m4CaoisD5a34C5bjsDfan4C5bjsDsp14C39gsD164i4C9cvsD8grb4C39gsD3c74Ca0lsD60j4"
        "Ca0lsD60j4Ca0lsD7dj4C7vvsD89n4C7vvsD7vs4C7vvsD25154E49o4D7a4hsE4444D9r1sE6is4C9eeoD60j4C41dsD6gkq4C2dcsD1n1v"
        "4Eus4D23hsC9h6sD6el4C9h6sD;<-03>3"},
    {"America/Argentina/Tucuman",
        "-15652,-15408,-14400,-10800,-7200;A-26m6kasB+nvbo4cC+9uhgogD5a34C8l2sD6204CaoisD58m4CaoisD58m4CaoisD58m4Caoi"
        "sD5a34CaoisD58m4CaoisD58m4CaoisD58m4CaoisD5a34C5bjsDfan4C5bjsDsp14C39gsD164i4C9cvsD8grb4C39gsD3c74Ca0lsD60j4"
        "Ca0lsD60j4Ca0lsD7dj4C7vvsD89n4C7vvsD7vs4C7vvsD25154E49o4D7a4hsE4444D9r1sE64q4Da4ssE5qv4Ca4uoE5qt8Da4ssE64q4D"
        "5kb9sCgtsD1ot14E3c74D9h6sE6el4D;<-03>3"},
    {"America/Argentina/Ushuaia",
        "-16392,-15408,-14400,-10800,-7200;A-26m6jjoB+nvbnd8C+9uhgogD5a34C8l2sD6204CaoisD58m4CaoisD58m4CaoisD58m4Caoi"
        "sD5a34CaoisD58m4CaoisD58m4CaoisD58m4CaoisD5a34C5bjsDfan4C5bjsDsp14C39gsD164i4C9cvsD8grb4C39gsD3c74Ca0lsD60j4"
        "Ca0lsD60j4Ca0lsD7dj4C7vvsD89n4C7vvsD7vs4C7vvsD25154E49o4D7a4hsE4444D9r1sE64q4Da4ssE5qv4Da4ssE5qv4Da4ssE64q4D"
        "5k8fsCtisD1oj64E3c74D;<-03>3"},
    {"America/Aruba", "=America/Anguilla"},
    {"America/Asuncion",
        "-14400,-13840,-10800;B-13ug2jgA+16h7p5gCo154Ao2lsC6lm4A9cvsC6k94A9cvsC6k94A9cvsC7vs4A81csC8194A81csC7vs4A81c"
        "sC7vs4A81csC7vs4A81csC8194A81csC7vs4A81csC7vs4A81csC7vs4A81csC8194A81csC7vs4A8utsC72b4A81csC7vs4A88dsC6el4A9"
        "ijsC7or4A82psC6hf4A9fpsC6g24A9h6sC6lm4A9k0sC64q4A9r1sC6el4A9h6sC6og4A97bsC6og4A97bsC6og4A9h6sC7vs4A6eosC9h34"
        "A6ojsC9784A8jlsC6el4A9h6sC6el4A9h6sC6el4A9r1sC64q4A9r1sC64q4A9r1sC7m14A7m4sC89n4A7m4sC89n4A7vvsC7c64A8jlsC7c"
        "64A8jlsC7c64A8jlsC7m14A89qsC7m14A89qsC7m14A8jlsC7c64A8jlsC7c64A8jlsC7m14A89qsC7m14A89qsC7m14A89qsC7m14A8jlsC"
        ";<-03>3"},
    {"America/Atikokan", "-19176,-19088,-18000;B-2b7hmfgA+h6qeuoC;EST5"},
    {"America/Atka", "=America/Adak"},
    {"America/Bahia",
        "-10800,-9244,-7200;B-1klb574A+gm9nm4C7tqgA846sC7t24A8bh9sC5v80Aa210C5a34Aan5sC5bg4Aan5sC3ug4A5ctksC3kl4Aeohs"
        "C2ka4Aan5sC3ui0Aaoh0C58m4AaoisC5a34A8rlcsC5qv4A9r1sC4te4Ab3qsC4jj4Ab2dsC4jj4Abc8sC5794Ab2dsC5794AaoisC4te4Ab"
        "c8sC49o4Abc8sC5h44AaensC5h44AaensC5794AaensC5qv4Aa69sC6d84A9r1sC5qv4A9r1sC6el4A9r1sC5qv4AaensC5h44Abc8sC4jj4"
        "A4b1dsC5qv4A;<-03>3"},
    {"America/Bahia_Banderas",
        "-25260,-25200,-21600,-18000;A-1d4i5sgB2n8q0C1n3c4B79fsC6og4B81csC51ft4Br214kC8td4B72esC8td4B72esC8td4B72esC9"
        "784B6ojsC9784B89qsC6el4B89qsC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72es"
        "D9768C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72"
        "esD9784C6ojsD9784C;CST6"},
    {"America/Barbados",
        "-14400,-14309,-12600,-10800;B-1mrulkrA+sq68jbD5sfsAan24D5h7sA9ig4C6n6sAgdmv0D4te4A8jlsD7c64A8jlsD7c64A8tgsD6"
        "u44A;AST4"},
    {"America/Belem",
        "-11636,-10800,-7200;A-1klb2scB+gm9lbcC7tqgB846sC7t24B8bh9sC5v80Ba210C5a34Ban5sC5bg4Ban5sC3ug4B5ctksC3kl4Beoh"
        "sC2ka4Ban5sC3ui0Baoh0C58m4BaoisC5a34B8rlcsC5qv4B9r1sC4te4Bb3qsC4jj4B;<-03>3"},
    {"America/Belize",
        "-21600,-21168,-19800,-18000;B-1ma29igA+640ohgC5h52AaemuC5r02Aa4ruC5r02Aa4ruC5r02AaemuC5h52AaemuC5h52AaemuC5r"
        "02Aa4ruC5r02Aa4ruC5r02Aa4ruC5r02AaemuC5h52AaemuC5h52AaemuC5r02Aa4ruC5r02Aa4ruC5r02AaemuC5h52AaemuC5h52AaemuC"
        "5h52AaemuC5r02Aa4ruC5r02Aa4ruC5r02AaemuC5h52AaemuC5h52AaemuC5r02A5r1uD1nll4AstbsC5r02Aa4ruC5r02Aa4ruC5r02Aae"
        "muC5h52AaemuC5h52AaemuC5r02Aa4ruC5r02Aa4ruC5r02Aa4ruC5r02AaemuC5h52AaemuC5h52AaemuC5r02Aa4ruC5r02Aa4ruC5r02A"
        "aemuC5h52AaemuC5h52AaemuC5h52AaemuC5r02Aa4ruC5r02Aa4ruC5r02AaemuC5h52A2tasuD2so4A4e3rsD2em4A;CST6"},
    {"America/Blanc-Sablon", "=America/Anguilla"},
    {"America/Boa_Vista",
        "-14560,-14400,-10800;A-1klb010B+gm9m0gC7tqgB846sC7t24B8bh9sC5v80Ba210C5a34Ban5sC5bg4Ban5sC3ug4B5ctksC3kl4Beo"
        "hsC2ka4Ban5sC3ui0Baoh0C58m4BaoisC5a34B8rlcsC5qv4B9r1sC4te4Bb3qsC4jj4B5r11sC6el4B9r1sC9p4B;<-04>4"},
    {"America/Bogota", "-18000,-17776,-14400;B-1jqfakgA+28qjj30Ccb34A;<-05>5"},
    {"America/Boise",
        "-28800,-27889,-25200,-21600;B-2gvnpa0Ah7h88C9784A6ojsC9784A1ot4sC9csh4D1qcr4Caqc3sD7vs4C7vvsD7vs4C7vvsD7vs4C"
        "7vvsD7vs4C7vvsD89n4C7vvsD7vs4C7vvsD7vs4C49rsDbm04C57csDaof4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs"
        "4C7vvsD7vs4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8"
        "td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72es"
        "D8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C5r2sD;MST7MDT,M3.2.0,M11.1.0"},
    {"America/Buenos_Aires", "=America/Argentina/Buenos_Aires"},
    {"America/Cambridge_Bay",
        "-25200,-21600,-18000,0;D-1f0qck0Ab2rvsB1qcr4AdalasB7vs4A7vvsB7vs4A7vvsB7vs4A7vvsB7vs4A7vvsB89n4A7m4sB89n4A7v"
        "vsB7vs4A7vvsB7vs4A7vvsB7vs4A7vvsB7vs4A7vvsB89n4A7m4sB89n4A7vvsB7vs4A7vvsB7vs4A7vvsB7vs4A72esB8td4A72esB9784A"
        "6ojsB9784A6ojsB9784A72esB8td4A72esB8td4A72esB9784A6ojsB9784A6ojsB9784A72esB8td4A72esB8td4A72esB8td4A72esBfvq"
        "4C9gvcBfm6kA72esB8td4A72esB8td4A72esB9784A6ojsB9784A6ojsB9784A5r2sB;MST7MDT,M3.2.0,M11.1.0"},
    {"America/Campo_Grande",
        "-14400,-13108,-10800;B-1klb1ecA+gm9ndsC7tqgA846sC7t24A8bh9sC5v80Aa210C5a34Aan5sC5bg4Aan5sC3ug4A5ctksC3kl4Aeo"
        "hsC2ka4Aan5sC3ui0Aaoh0C58m4AaoisC5a34A8rlcsC5qv4A9r1sC4te4Ab3qsC4jj4Ab2dsC4jj4Abc8sC5794Ab2dsC5794AaoisC4te4"
        "Abc8sC49o4Abc8sC5h44AaensC5h44AaensC5794AaensC5qv4Aa69sC6d84A9r1sC5qv4A9r1sC6el4A9r1sC5qv4AaensC5h44Abc8sC4j"
        "j4AaoisC5794Abf2sC4qk4AaensC5h44Abc8sC4te4Aa4ssC5h44AaoisC5794AaoisC5h44AaensC5h44AaensC5qv4AaensC5794AaoisC"
        "5794AaoisC5h44AaensC5h44AaensC5h44AaensC5h44Abc8sC4jj4A;<-04>4"},
    {"America/Cancun",
        "-21600,-20824,-18000,-14400;B-1d4i9d0Au2pkoCgdocA6kp7kC8td4A72esCfvq4D5794C3m5sA72esC9784A6ojsC9784A89qsC6el"
        "4A89qsC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9"
        "784A72esC8td4A72esC8td4A49rsC;EST5"},
    {"America/Caracas", "-16200,-16064,-16060,-14400;B-2b7hpe0C+kpe4fsA+1hnlg0cDlh4umA46ni0D;<-04>4"},
    {"America/Catamarca", "=America/Argentina/Catamarca"},
    {"America/Cayenne", "-14400,-12560,-10800;B-1n0nl3gA+1ksu2hgC;<-03>3"},
    {"America/Cayman", "=America/Atikokan"},
    {"America/Chicago",
        "-21600,-21036,-18000;B-2gvo0b0Ah7h88C9784A6ojsC9784Aa4ssC64q4A6eosC9h34A7vvsC6el4A9h6sC6og4A97bsC6og4A97bsC6"
        "og4A97bsC6og4A97bsC6og4A9h6sC6og4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC6og4A9h6sC6el4A9h6sC6og4A97bsC6og4A6ojs"
        "Cbc54A72esC6og4A97bsC6og4A9h6sC6el4A9h6sC6og4A97bsC6og4A5sfsC1qcr4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC6og4A9"
        "h6sC6el4A9h6sC6og4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4"
        "A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89"
        "n4A7vvsC7vs4A7vvsC7vs4A32fsCctc4A57csCaof4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC"
        "89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72e"
        "sC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A7"
        "2esC9784A6ojsC9784A6ojsC9784A5r2sC;CST6CDT,M3.2.0,M11.1.0"},
    {"America/Chihuahua",
        "-25460,-25200,-21600,-18000;A-1d4i5sgB2n8q0C1n3c4B79fsC6og4B81csC103gvsD8td4C72esD8td4CfvtsB72esC9784B6ojsC9"
        "784B89qsC6el4B89qsC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojs"
        "C9784B6ojsC9784B72esC8td4B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6o"
        "jsC;CST6"},
    {"America/Ciudad_Juarez",
        "-25556,-25200,-21600,-18000;A-1d4i5sgB2n8q0C1n3c4B79fsC6og4B81csC103gvsD8td4C72esD8td4CfvtsB72esC9784B6ojsC9"
        "784B89qsC6el4B89qsC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B64tsCaek4B5h7s"
        "Caek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h"
        "7sCbg8cB;MST7MDT,M3.2.0,M11.1.0"},
    {"America/Coral_Harbour", "=America/Atikokan"},
    {"America/Cordoba", "=America/Argentina/Cordoba"},
    {"America/Costa_Rica", "-21600,-20173,-18000;B-1e1fqdjA+1mkscojC49o4Abm3sC49o4A5altsC7554A8qmsC2g34A;CST6"},
    {"America/Coyhaique",
        "-18000,-17296,-16965,-14400,-10800;B-2b7ho7gC+iqia1lA+62p7gbC+21vvblD+o73nrC+7ls1g5D+hhhbrA6n6sD9a24A6n6sD9a"
        "24A6n6sD9a24A6n6sD9bf4A6n6sD4se64A2lqsD2as64A27n0Daobc0E6el4DaensE5h44D8jlsE6og4D97bsE6og4D9h6sE6el4D8tgsE72"
        "b4D9h6sE6el4D9h6sE6og4D97bsE6og4D97bsE6og4D9h6sE6el4D9h6sE6el4D9h6sE6og4D97bsE6og4D97bsE6og4D97bsE6og4D9h6sE"
        "6el4D9h6sE6el4D9h6sE7vs4D7vvsE6og4D97bsE6og4D9h6sE6el4D89qsE7m14D9h6sE6og4D97bsE6og4D97bsE6og4D97bsE6og4D9h6"
        "sE6el4D9h6sE7c64D8jlsE6og4D8jlsE89n4D89qsE6og4D9h6sE6el4D9h6sE6el4D9h6sE6el4D9h6sE6og4D97bsE6og4D97bsE6og4D9"
        "h6sE6el4D9h6sE7c64D8jlsE6og4D97bsE7m14D89qsE9784D4jmsEb2a4D5h7sEaek4D5r2sEa4p4D5r2sEr264D400sEbvr4D400sEbvr4"
        "D400sEaek4D6ojsE9784D6ojsE9784D6ojsE9784D72esE8td4D6ojsE9h34D6ojsE;<-03>3"},
    {"America/Creston", "-26898,-25200,-21600;A-2gvnsqgBh7h88C9784B6ojsC9784Bb5pnsCubhdB400sC8194Bbac3jC7vs4B;MST7"},
    {"America/Cuiaba",
        "-14400,-13460,-10800;B-1klb13cA+gm9n2sC7tqgA846sC7t24A8bh9sC5v80Aa210C5a34Aan5sC5bg4Aan5sC3ug4A5ctksC3kl4Aeo"
        "hsC2ka4Aan5sC3ui0Aaoh0C58m4AaoisC5a34A8rlcsC5qv4A9r1sC4te4Ab3qsC4jj4Ab2dsC4jj4Abc8sC5794Ab2dsC5794AaoisC4te4"
        "Abc8sC49o4Abc8sC5h44AaensC5h44AaensC5794AaensC5qv4Aa69sC6d84A9r1sC5qv4A9r1sC6el4A9r1sC5qv4AaensC5h44Abc8sC4j"
        "j4AreusC4qk4AaensC5h44Abc8sC4te4Aa4ssC5h44AaoisC5794AaoisC5h44AaensC5h44AaensC5qv4AaensC5794AaoisC5794AaoisC"
        "5h44AaensC5h44AaensC5h44AaensC5h44Abc8sC4jj4A;<-04>4"},
    {"America/Curacao", "=America/Anguilla"},
    {"America/Danmarkshavn",
        "-10800,-7200,-4480,0;C-1i7vdo0A+1rsqcqgB7lrgA7vu0B7vu0A7vu0B7vu0A7vu0B7vu0A7vu0B89p0A7vu0B7vu0A7vu0B7vu0A7vu"
        "0B7vu0A7vu0B7vu0A7vu0B7vu0A7vu0B89p0A7vu0B7vu0A7vu0B7vu0A7vu0B7vu0A7vu0B7vu0A7vu0B7vu0A4baoD;GMT0"},
    {"America/Dawson",
        "-33460,-32400,-28800,-25200;A-217isacB+gj4f7sC8ji4B97bsC70qcBb5hdkC1qcr4B9q2d4D89p0B408r0C3892sD7vs4C7vvsD7v"
        "s4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD"
        "8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72e"
        "sD8td4C72esD9784C6ojsD9784C6ojsD9784C5r2sDaek4C5h7sDaek4C5h7sDaek4C5r2sDaek4C5h7sDaek4C5h7sDaek4C5h7sDaek4C5"
        "h7sDaek4C5h7sDaek4C5r2sDaek4C5h7sDaek4C5h7sDaek4C5h7sDaek4C5h7sD;MST7"},
    {"America/Dawson_Creek",
        "-28856,-28800,-25200;A-2gs52u8B+107mib8C8ji4BblpjsC1qcr4Bp77sC6og4B97bsC6og4B97bsC6og4B9h6sC6el4B9h6sC6og4B9"
        "7bsC6og4B97bsC6og4B97bsC6og4B97bsC6og4B9h6sC6og4B97bsC6og4B97bsC6og4B97bsC6og4B97bsC6og4B9h6sC6el4B9h6sC7vs4"
        "B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7vvsC;MST7"},
    {"America/Denver",
        "-25200,-25196,-21600;B-2gvnsqgAh7h88C9784A6ojsC9784A6ojsC9h34A6eosC2em4AacihsC1qcr4A9q2gsC89n4A7m4sC89n4A7vv"
        "sC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7vvsC7vs4A7vvsC7vs4A32fsCctc4A57csCaof4A7vvsC89n4A7m4sC89n4A7"
        "vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A72esC8td4A72esC9784"
        "A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC8td4A72esC97"
        "84A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A5r2sC;MST7MDT,M3.2.0,M11.1.0"},
    {"America/Detroit",
        "-21600,-19931,-18000,-14400;B-1t45nd5A+9nusd5Cdd6p4D1qcr4C1973sD6og4C9cbl5D60mrC7vvsD7vs4C289asD7vs4C32fsDct"
        "c4C7vvsD7vs4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD"
        "7vs4C7vvsD7vs4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72e"
        "sD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C5"
        "r2sD;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Dominica", "=America/Anguilla"},
    {"America/Edmonton",
        "-27232,-25200,-21600;A-1ri2c90B+atjo5gC8ji4B7c9sC1tq4BelnsC89n4B7m4sC6og4B9h6sC6el4B9h6sC6og4B96nosC1qcr4Bp7"
        "7sC6og4BcalisC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4"
        "B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8t"
        "d4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC"
        "8td4B72esC9784B6ojsC9784B6ojsC9784B5r2sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7"
        "sCaek4B5h7sCaek4B5r2sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5"
        "h7sCaek4B5h7sC;CST6"},
    {"America/Eirunepe",
        "-18000,-16768,-14400;B-1klats0A+gm9nc0C7tqgA846sC7t24A8bh9sC5v80Aa210C5a34Aan5sC5bg4Aan5sC3ug4A5ctksC3kl4Aeo"
        "hsC2ka4Aan5sC3ui0Aaoh0C58m4AaoisC5a34A8rlcsC5qv4A9r1sC4te4Ab3qsC4jj4A2rbksC5h44A765vsC2mb74A;<-05>5"},
    {"America/El_Salvador", "-21600,-21408,-18000;B-1e2kmf0A+1ucadm0C6el4A9h6sC6el4A;CST6"},
    {"America/Ensenada",
        "-28800,-28084,-25200;B-1d4i5sgC102i0A1n69sC1n3c4A60msC7vs4A59iosC1p5f4A16a9sCcfa4AknpsC6d84A9hakC6og4A97bsC6"
        "og4A97a0C6oi0A97a0C6oi0A97a0C6oi0A9h50C6oi0A97a0C6oi0A97a0C6oi0A97a0C6oi0A97a0C6oi0A9h50C6en0A9h50C7vu0A7vu0"
        "C7vu0A7vu0C7vu0A7vu0C89p0A7m30C89p0A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7vvsC7vs4A7vvsC7vs4A32"
        "fsCctc4A57csCaof4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A"
        "7vvsC7vs4A7vvsC7vs4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC978"
        "4A72esC8td4A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9"
        "784A6ojsC9784A72esC8td4A72esC8td4A;PST8PDT,M3.2.0,M11.1.0"},
    {"America/Fort_Nelson",
        "-29447,-28800,-25200;A-2gs52bpB+107mhopC8ji4BblpjsC1qcr4Bp77sC6og4B97bsC6og4B97bsC6og4B9h6sC6el4B9h6sC6og4B9"
        "7bsC6og4B97bsC6og4B97bsC6og4B97bsC6og4B9h6sC6og4B97bsC6og4B97bsC6og4B97bsC6og4B97bsC6og4B9h6sC6el4B9h6sC7vs4"
        "B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7vvsC7vs4B7vvsC7v"
        "s4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC"
        "7vs4B7vvsC7vs4B7vvsC7vs4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6oj"
        "sC9784B72esC8td4B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6"
        "ojsC9784B5r2sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sC;MST7"},
    {"America/Fort_Wayne",
        "-21600,-20678,-18000,-14400;B-2gvo0b0Ah7h88C9784A6ojsC9784AarjfsC49o4A5sfsC1qcr4A97bsC6og4A97bsC6og4A97bsC6o"
        "g4A97bsC6og4A9h6sC6el4A9h6sC6og4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC17234A97bsC5gi84D7vs4C7vvsD7vs4Chop4sD97"
        "84C5r2sD;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Fortaleza",
        "-10800,-9240,-7200;B-1klb578A8supeC7tqgA846sC7t24A8bh9sC5v80Aa210C5a34Aan5sC5bg4Aan5sC3ug4A5ctksC3kl4AeohsC2"
        "ka4Aan5sC3ui0Aaoh0C58m4AaoisC5a34A8rlcsC5qv4A9r1sC4te4Ab3qsC4jj4Ab2dsC4jj4Abc8sC5794A4qnesC6el4A9r1sCjk4Afm2"
        "sC5h44A;<-03>3"},
    {"America/Glace_Bay",
        "-14400,-14388,-10800;B-1vgslucA+esdn9cC8ji4AblpjsC1qcr4A3pgasC6og4A9acfsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A"
        "7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs"
        "4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8"
        "td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A5r2sC;AST4ADT,"
        "M3.2.0,M11.1.0"},
    {"America/Godthab",
        "-12416,-10800,-7200;A-1i7v600B+1rsq52gC7lrgB7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C89p0B7vu0C7vu0B7vu0C7vu0B7vu0"
        "C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C89p0B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B89p0C97a0B6oi0C97a0B6o"
        "i0C97a0B6oi0C9h50B6en0C9h50B6en0C9h50B6oi0C97a0B6oi0C97a0B6oi0C9h50B6en0C9h50B6en0C9h50B6en0C9h50B6oi0C97a0B"
        "6oi0C97a0B6oi0C9h50B6en0C9h50B6en0C9h50B6oi0C97a0B6oi0C97a0B6oi0C97a0B6oi0C9h50B6en0C9h50B6en0C9h50B6oi0C97a"
        "0B6oi0C97a0B6oi0C9h50B6en0C9h50B6en0C;<-02>2<-01>,M3.5.0/-1,M10.5.0/0"},
    {"America/Goose_Bay",
        "-14500,-14400,-12652,-12600,-10800,-9052,-9000,-7200;A-2gs5gusC+107mgj8F8ji4C87ik4D+11joucG6el4D9h6sG6el4D9h"
        "6sG6el4D9r1sG64q4D9r1sG6el4D9h6sG6el4D9h6sG1mcvsD9r1sG6el4D9h6sG6el4D9h6sG6el4D9h6sG6el4D9r1sG6el4D8tgsG6og4"
        "D97bsG6og4D97bsG6og4D97bsG6og4D97bsG6og4D9h6sG6og4D97bsG6og4D97bsG6og4D97bsG6og4D97bsG89n4D7vvsG7vs4D7vvsG7v"
        "s4D7vvsG7vs4D7vvsG7vs4D7vvsG89n4D5tssB1o8uE89n4B7vvsE7vs4B7vvsE7vs4B7vvsE7vs4B7vvsE7vs4B7vvsE89n4B7vvsE7vs4B"
        "7vvsE7vs4B7vvsE7vs4B7vvsE7vs4B7vvsE89n4B7m4sE89n4B7vvsE7vs4B7vvsE7vs4B7vvsE7vs4B7vvsE7vs4B7vvsE89n4B7m4sE89n"
        "4B7vvsE7vs4B7vvsE7vs4B7vvsE7vs4B72b5E8td4B72esH9768B6oloE9784B6ojsE9784B72esE8td4B72esE8td4B72esE9784B6ojsE9"
        "784B6ojsE9784B72esE8td4B72esE8td4B72esE8td4B72esE9784B6ojsE9784B6ojsE9784B72esE8td4B72esE8td4B72esE9784B6ojs"
        "E9784B6ojsE9784B5r2sEaek4B5h7sEaek4B5h7sEaek4B5r2sEaek4B5h7sE;AST4ADT,M3.2.0,M11.1.0"},
    {"America/Grand_Turk",
        "-18430,-18000,-17072,-14400;C-2b7hoegA+koh5meB+1v7jc7iD7vs4B7vvsD7vs4B7vvsD7vs4B7vvsD89n4B7m4sD89n4B7vvsD7vs"
        "4B7vvsD7vs4B7vvsD7vs4B72esD8td4B72esD9784B6ojsD9784B6ojsD9784B72esD8td4B72esD8td4B72esD9784B6ojsD9784B6ojsD9"
        "784B72esD8td4B72esD8td4B72esD8td4B72esD9784B6ojsD9784B6ojsD9784B72esD8td4B72esD8td4B72esD9784B6ojsD9784B6ojs"
        "D9784B5r2sDaek4B5h7sDaek4B5h7sDaek4B5r2sDaek4B5h7sDaek4B5h7sDaek4B5h7sDaek4B5h7sDaek4B5h7sD;EST5EDT,M3.2.0,M"
        "11.1.0"},
    {"America/Grenada", "=America/Anguilla"},
    {"America/Guadeloupe", "=America/Anguilla"},
    {"America/Guatemala", "-21724,-21600,-18000;A-1g64594B+1jrfgc4C3vt4B4k7asC5ea4B3obosC7c64B7b22sC6og4B;CST6"},
    {"America/Guayaquil", "-19160,-18840,-18000,-14400;A-2b7hmd8B+16hq6u0Cv1m3iD30v4C;<-05>5"},
    {"America/Guyana", "-14400,-13959,-13500,-10800;B-1mu5s3pA+3boqtpCu9p3hD8bd1fA;<-04>4"},
    {"America/Halifax",
        "-15264,-14400,-10800;A-1vgsl30B+cv6cp0C8194BojlkC8ji4Boje4C4te4BavjsC5bg4BadasC5ju4BalosC5a34BalosC5sc4Ba3fs"
        "C6g24Ba3fsC58m4Ba3fsC6g24Ba3fsC5794BaoisC5084BavjsC5ih4BadasC6674B9fpsC6g24B9fpsC6pt4Ba3fsC5794Bbc8sC58m4Bao"
        "isC4jj4Ba3fsC6g24B9fpsC6g24Ban5sC58m4B9pksC6g24B9fpsC6g24B5r6kC1qcr4B97bsC6og4B97bsC6og4B97bsC6og4B97bsC6og4"
        "Bph2sC6og4B97bsC6og4B97bsC6og4B97bsC6og4Bph2sC6og4B97bsC6og4B97bsC6og4B97bsC6og4B19gusC7vs4B7vvsC7vs4B7vvsC7"
        "vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvs"
        "C7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7v"
        "vsC7vs4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B"
        "72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B5r2sC;AS"
        "T4ADT,M3.2.0,M11.1.0"},
    {"America/Havana",
        "-19776,-19768,-18000,-14400;B-2b7hlq8A+11dn6e8C+2n1kegD5bg4C5qsqsD3vt4CbvusD49o4CbvusD3vt4C1bvmsD3vt4CbvusD3"
        "vt4C9cu1sD5a34CaiusD5h44C88dsD6pt4C9h6sD6el4Ca4ssD7vs4C7vvsD7vs4C7vvsD89n4C7vvsD72b4C8tgsD73o4C8s3sD7554C8qm"
        "sD7vs4C7vvsD89n4C7m4sD89n4C89qsD6og4C72esD9784C6ojsD9784C97bsD6og4C97bsD6og4C97bsD6og4C97bsD72b4C8tgsD72b4C6"
        "ojsD9784C6ojsD9784C72esD8td4C72esD8td4C7m4sD8ji4C7m4sD89p0C7m30D89p0C7m30D89p0C7m30D89p0C7m30D89p0C7vu0D7vu0"
        "C7vu0D89p0C7c80D97a0C6oi0D9h50C6oi0D97a0C6oi0D97a0C72d0D8tf0C72d0D8tf0C6oi0D19gt0C5r10Da4r0C64s0D9r00C5r10Da"
        "4r0C64s0Da4r0C64s0Daem0C64s0D9h50C5h60Daem0C5h60Daem0C5h60Daem0C5r10Daem0C5h60Daem0C5h60Daem0C5h60Daem0C5h60"
        "Daem0C5r10Daem0C5h60Daem0C5h60Daem0C5h60Daem0C5h60Daem0C5h60Dqod0C;CST5CDT,M3.2.0/0,M11.1.0/1"},
    {"America/Hermosillo", "-26632,-25200,-21600;A-1d4i5sgB2n8q0C1n3c4B79fsC6og4B81csC51ft4Br214kC8td4B72esC8td4B72esC8td4B;MST7"},
    {"America/Indiana/Indianapolis", "=America/Fort_Wayne"},
    {"America/Indiana/Knox",
        "-21600,-20790,-18000;B-2gvo0b0Ah7h88C9784A6ojsC9784Ab5pnsC1qcr4Ap77sC6og4A97bsC6og4A97bsC6og4A9h6sC6el4A9h6s"
        "C6og4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC89n4A7vvsC7vs4A7vvsC6og4A97bsC6og4A97bsC7vs4A7vvsC89n4A7vvsC7vs4A7v"
        "vsCnvo4A1o9esC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7vvsC7vs4A7vvsC7vs4A32fsCctc4A57csCaof4A7vvsC89n4"
        "A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A72esC8t"
        "d4A72esC9784A6ojsC9784A6ojsC9784A72esC7pp24A5r2sC;CST6CDT,M3.2.0,M11.1.0"},
    {"America/Indiana/Marengo",
        "-21600,-20723,-18000,-14400;B-2gvo0b0Ah7h88C9784A6ojsC9784Ab5pnsC1qcr4A2pgisC6og4A1973sC6og4A97bsC6og4A9h6sC"
        "6og4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC6og4A9h6sC408p4D7vs4C7vvsD7vs4C7vvsD89n4C7vvsD7vs4C7vvsD7vs4Cl78sDao"
        "f4Cf8ftsD9784C5r2sD;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Indiana/Petersburg",
        "-21600,-20947,-18000;B-2gvo0b0Ah7h88C9784A6ojsC9784Ab5pnsC1qcr4A4ppq4C6eosA9h6sC6og4A97bsC6og4A97bsC6og4A97b"
        "sC6og4A97bsC6og4A9h6sC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsCo9j4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7"
        "vvsC89n4A7vvsC7vs4A7vvsC7vs4A32fsCctc4A57csCaof4A7vvsC89n4A7m4sCepna4A5r2sC;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Indiana/Tell_City",
        "-21600,-20823,-18000,-14400;B-2gvo0b0Ah7h88C9784A6ojsC9784Ab5pnsC1qcr4A4ppq4C6eosA9h6sC6og4A97bsC6og4A97bsC6"
        "og4A97bsC6og4A97bsC6og4A9h6sC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC1o9b4A7vvsC7vs4A7vvsD7vq8C7vvsD7vs4Ci20esA5r2sC;C"
        "ST6CDT,M3.2.0,M11.1.0"},
    {"America/Indiana/Vevay",
        "-21600,-20416,-18000,-14400;B-2gvo0b0Ah7h88C9784A6ojsC9784Ab5pnsC1qcr4A49g6sC7grj4D7vs4C7vvsD7vs4C7vvsD89n4C"
        "7vvsD7vs4CgofhsD9784C5r2sD;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Indiana/Vincennes",
        "-21600,-21007,-18000,-14400;B-2gvo0b0Ah7h88C9784A6ojsC9784Ab5pnsC1qcr4A97bsC6og4A39gesC6og4A97bsC6og4A9h34C6"
        "eosA9h6sC6og4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC89n4A7vvsC6el4A9h6sC7vs4A7vvsC7vs4A7vvsC2g954D7vs4C7vvsD7vs"
        "4Ci20esA5r2sC;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Indiana/Winamac",
        "-21600,-20785,-18000,-14400;B-2gvo0b0Ah7h88C9784A6ojsC9784Ab5pnsC1qcr4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC6o"
        "g4A9h6sC6el4A9h6sC6og4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC89n4A7vvsC7vs4A7vvsC6og4A97bsC6og4A97bsC6og4A97bsC"
        "6og4A9h6sC408p4D7vs4C7vvsD7vs4Ci20esA5r2sD;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Indianapolis", "=America/Fort_Wayne"},
    {"America/Inuvik",
        "-28800,-25200,-21600,0;D-fvjcc0A9m79oB7vs4A7vvsB7vs4A7vvsB7vs4A7vvsB7vs4A7vvsB89n4A7m4sB89n4A7vvsB7vs4A7vvsC"
        "7vq8B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B72esC8td4B72esC9784B6ojsC9784B6oj"
        "sC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6"
        "ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B5r2sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h7sCaek4"
        "B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h7sCae"
        "k4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sC;CST6"},
    {"America/Iqaluit",
        "-21600,-18000,-14400,0;D-pp6nk0C1ipv8BdalasC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4"
        "B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B72esC8td4B72esC9784B6ojsC97"
        "84B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC8td4B72esC9784A6oloB"
        "fvq4C9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B5r2sC;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Jamaica",
        "-18430,-18000,-14400;A-1mf0io2B+1q7qp3iCctc4B57csCaof4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vv"
        "sC7vs4B7vvsC89n4B7m4sC89n4B;EST5"},
    {"America/Jujuy", "=America/Argentina/Jujuy"},
    {"America/Juneau",
        "-32400,-32261,-28800,-25200,54139;E-303q0hfB+us8d7kC+1703purD1qcr4CbqbrsD7vs4C7vvsD7vs4C7vvsD89n4C7vvsD7vs4C"
        "7vvsD7vs4C32fsDctc4C57csDaof4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD7vs4CnvrsD7vs4C7vvsD89n4C7m4sD89n4A801oC7vs"
        "4A7vvsC7vs4A7vvsC7vs4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9"
        "784A72esC8td4A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojs"
        "C9784A5r2sC;AKST9AKDT,M3.2.0,M11.1.0"},
    {"America/Kentucky/Louisville",
        "-21600,-20582,-18000,-14400;B-2gvo0b0Ah7h88C9784A6ojsC9784Ao9msC5ct4A9re3sC6og4A5sfsC1qcr4A9785C1h8rA1uo5sC6"
        "el4A9h6sC6og4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC6og4A9h6sC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7vvs"
        "C3g8t4D7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD89n4C7vvsD7vs4C7vvsD7vs4Cl78sDaof4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD7"
        "vs4C7vvsD7vs4C7vvsD7vs4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C72esD8td4C72esD9784C6ojsD9784C6ojs"
        "D9784C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6o"
        "jsD9784C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C5r2sD;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Kentucky/Monticello",
        "-21600,-20364,-18000,-14400;B-2gvo0b0Ah7h88C9784A6ojsC9784Ab5pnsC1qcr4AbabvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC8"
        "9n4A7vvsC7vs4A7vvsC7vs4A32fsCctc4A57csCaof4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvs"
        "C89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72"
        "esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC8td4A72esC9784A6ojsCfvq4D9784C72esD8td4C72esD8td4C72esD"
        "9784C6ojsD9784C6ojsD9784C5r2sD;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Knox_IN", "=America/Indiana/Knox"},
    {"America/Kralendijk", "=America/Anguilla"},
    {"America/La_Paz", "-16356,-14400,-12756;A-13u2q8sC6u44B;<-04>4"},
    {"America/Lima",
        "-18516,-18492,-18000,-14400;B-2b7hn24A+heq78oC+rlm2bsD3ug4C7ousD7vs4C7vvsD7vs4Cmun4sD3ug4Cc2osD3ug4C1c6nsD3u"
        "g4C1s80sD3ug4C;<-05>5"},
    {"America/Los_Angeles",
        "-28800,-28378,-25200;B-2gvnpa0Ah7h88C9784A6ojsC9784Ab5pnsC1qcr4A17c1tCcrv3Al8k0C6en0A9h50C6oi0A97a0C6oi0A97a"
        "0C6oi0A97a0C6oi0A97a0C6oi0A9h50C6oi0A97a0C6oi0A97a0C6oi0A97a0C6oi0A97a0C6oi0A9h50C6en0A9h50C7vu0A7vu0C7vu0A7"
        "vu0C7vu0A7vu0C89p0A7m30C89p0A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7vvsC7vs4A7vvsC7vs4A32fsCctc4"
        "A57csCaof4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7v"
        "s4A7vvsC7vs4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC"
        "8td4A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A5r2"
        "sC;PST8PDT,M3.2.0,M11.1.0"},
    {"America/Louisville", "=America/Kentucky/Louisville"},
    {"America/Lower_Princes", "=America/Anguilla"},
    {"America/Maceio",
        "-10800,-8572,-7200;B-1klb5s4A+gm9ob4C7tqgA846sC7t24A8bh9sC5v80Aa210C5a34Aan5sC5bg4Aan5sC3ug4A5ctksC3kl4Aeohs"
        "C2ka4Aan5sC3ui0Aaoh0C58m4AaoisC5a34A8rlcsC5qv4A9r1sC4te4Ab3qsC4jj4Ab2dsC4jj4Abc8sC5794A2r1psC5794A1qebsC6el4"
        "A9r1sCjk4Afm2sC5h44A;<-03>3"},
    {"America/Managua",
        "-21600,-20712,-20708,-18000;C-2b7hkssB+19qc744A+14hcaroDsqe4A21gosD4b54AbkmsD4b54A5ov6cDbn5kA4b8sD206f4A44oa"
        "sD7m14A97fkD6oe8A;CST6"},
    {"America/Manaus",
        "-14404,-14400,-10800;A-1klb05sB+gm9m5cC7tqgB846sC7t24B8bh9sC5v80Ba210C5a34Ban5sC5bg4Ban5sC3ug4B5ctksC3kl4Beo"
        "hsC2ka4Ban5sC3ui0Baoh0C58m4BaoisC5a34B8rlcsC5qv4B9r1sC4te4Bb3qsC4jj4B2rbksC5h44B;<-04>4"},
    {"America/Marigot", "=America/Anguilla"},
    {"America/Martinique", "-14660,-14400,-10800;A-1n5odtsB+20qj9fsC7m14B;AST4"},
    {"America/Matamoros",
        "-23400,-21600,-18000;A-1d4i9d0B117duoC9784B3nbdsC8td4B72esC8td4B72esC8td4B72esC9784B6ojsC9784B89qsC6el4B89qs"
        "C8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B;CST6CDT,M3.2.0,M11.1.0"},
    {"America/Mazatlan",
        "-25540,-25200,-21600;A-1d4i5sgB2n8q0C1n3c4B79fsC6og4B81csC51ft4Br214kC8td4B72esC8td4B72esC8td4B72esC9784B6oj"
        "sC9784B89qsC6el4B89qsC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6"
        "ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784"
        "B6ojsC9784B;MST7"},
    {"America/Mendoza", "=America/Argentina/Mendoza"},
    {"America/Menominee",
        "-21600,-21027,-18000;B-2f8hdktA+uitootC9784A6ojsC9784Ab5pnsC1qcr4A97bsC6og4A9q2gsC89n4A17vnsC28974A32fsCctc4"
        "A57csCaof4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7v"
        "s4A7vvsC7vs4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC"
        "8td4A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A5r2"
        "sC;CST6CDT,M3.2.0,M11.1.0"},
    {"America/Merida",
        "-21600,-21508,-18000;B-1d4i9d0Au2pkoCdl94A6nhmsC8td4A72esC8td4A72esC8td4A72esC9784A6ojsC9784A89qsC6el4A89qsC"
        "8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72e"
        "sC8td4A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC9784A6ojsC9784A;CST6"},
    {"America/Metlakatla",
        "-32400,-31578,-28800,-25200,54822;E-303q0hfB+us8ci9C+1703qk6D1qcr4CbqbrsD7vs4C7vvsD7vs4C7vvsD89n4C7vvsD7vs4C"
        "7vvsD7vs4C32fsDctc4C57csDaof4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD89n4C7m4sD89n"
        "4Cg1n3sA5r2sCaek4A5h7sCaek4A5h7sCdqt4A;AKST9AKDT,M3.2.0,M11.1.0"},
    {"America/Mexico_City",
        "-25200,-23796,-21600,-18000;B-1d4i5sgA2n8q0C1n3c4A79fsC6og4A81csC3dsv4D64q4CndisD4ur4C1beqsD60j4C2sresD7c64C"
        "mtblkD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C89qsD6el4C89qsD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD97"
        "84C6ojsD9784C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD"
        "9784C6ojsD9784C72esD8td4C72esD8td4C72esD9784C6ojsD9784C;CST6"},
    {"America/Miquelon",
        "-14400,-13480,-10800,-7200;B-1n21q6oA+20ouj4oC3f5rsD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C7"
        "2esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4"
        "C72esD9784C6ojsD9784C6ojsD9784C5r2sD;<-03>3<-02>,M3.2.0,M11.1.0"},
    {"America/Moncton",
        "-18000,-15548,-14400,-10800;B-2gu24i4A+hd5i4kC7u2vsD8ji4C7amp0D3vt4CbvusD3vt4CbvusD3vt4CbvusD3vt4CbvusD3vt4C"
        "bvusD3vt4CbkmsD5794Cag4sD5fn4C9sesD6d84C5tuoD1qcr4C97bsD6og4C97bsD6og4C97bsD6og4C97bsD6og4C9h6sD6el4C9h6sD6o"
        "g4C97bsD6og4C97bsD6og4C97bsD6og4C97bsD6og4C9h6sD6og4C97bsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD89n4C7vvsD7vs4C7vvsD"
        "7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD89n4C7vvsD7vs4Cnvr"
        "sD7vs4C7vvsD7vs4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7"
        "vvsD7vs4C7vvsD7vs4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72b5D9784C6ojsD9784C6ojsD9784"
        "C72esD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD97"
        "84C;AST4ADT,M3.2.0,M11.1.0"},
    {"America/Monterrey",
        "-25200,-24076,-21600,-18000;B-1d4i9d0A2n8rsC1n3c4A79fsC6og4A81csCs2u9sD9784C3nbdsD8td4C72esD8td4C72esD8td4C7"
        "2esD9784C6ojsD9784C89qsD6el4C89qsD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4"
        "C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8t"
        "d4C72esD9784C6ojsD9784C;CST6"},
    {"America/Montevideo",
        "-14400,-13491,-12600,-10800,-9000,-7200,-5400;B-1emqu2dA+36qksdD8194C81buD7vt2C81buD7vt2C3pkguD6oh2C97auD6oh"
        "2C97auD6oh2C97auD6oh2C9h5uD6em2C9h5uD6em2C89puD7vt2C97auD6oh2C5ecuDlv32E3uh2D83tvuE7m22D2ojuF24r4D2hgksF7m14"
        "D1apnsE88b2Dmd6uF2684DtqssF3m24DnvrsG2el6E7m4sD4tguF49o4DrlvsF3c74DbvusF3vt4DcjksF3c74D2epsFe4o4D3saasF3aq4D"
        "cjksF3m24DaensF5794DaensF5qv4DaensF5h44Da4ssF5qv4D5pfqsF89qsD8jlsF6og4D8tgsF72b4D97bsF6og4D97bsF6og4D97bsF72"
        "b4D8tgsF72b4D8tgsF72b4D97bsF6og4D97bsF6og4D97bsF6og4D;<-03>3"},
    {"America/Montreal",
        "-19052,-18000,-14400;A-26h31okB+lsk6k4C8ji4B6ps6C95s2B89ukC6ehcBa50kC5ct4BaiusC5h44BaensC5h44Ba4ssC64q4B9r1s"
        "C64q4B9r1sC64q4B9r1sC6el4B9h6sC6og4B97bsC6og4B97bsC6og4B97bsC6og4B9h6sC6el4B9h6sC6og4B97bsC6og4B97bsC6og4B97"
        "bsC6og4B97bsC6og4B97bsC6og4B9h6sC6el4B9h6sC2n1n4B97bsC6og4B97bsC6og4B97bsC6og4B97bsC9h34B6ojsC9784B6ojsC6og4"
        "B97bsC6og4B97bsC6og4B97bsC6og4B97bsC6og4B9h6sC6og4B97bsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7vvsC7vs4B7vvsC7v"
        "s4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7vvsC7vs4B7vvsC"
        "7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vv"
        "sC7vs4B7vvsC7vs4B7vvsC7vs4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6"
        "ojsC9784B72esC8td4B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784"
        "B6ojsC9784B5r2sC;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Montserrat", "=America/Anguilla"},
    {"America/Nassau", "=America/Montreal"},
    {"America/New_York",
        "-18000,-17762,-14400;B-2gvo3rgAh7h88C9784A6ojsC9784A6ojsC9h34A7m4sC6og4A9h6sC6el4A9h6sC6og4A97bsC6og4A97bsC6"
        "og4A97bsC6og4A97bsC6og4A9h6sC6og4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC6og4A9h6sC6el4A9h6sC6og4A97bsC6og4A97bs"
        "C6og4A97bsC6og4A97bsC6og4A9h6sC6el4A9h6sC6og4A97bsC6og4A5sfsC1qcr4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC6og4A9"
        "h6sC6el4A9h6sC6og4A97bsC6og4A97bsC6og4A97bsC6og4A97bsC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4"
        "A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89"
        "n4A7vvsC7vs4A7vvsC7vs4A32fsCctc4A57csCaof4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC"
        "89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72e"
        "sC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A7"
        "2esC9784A6ojsC9784A6ojsC9784A5r2sC;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Nipigon", "=America/Montreal"},
    {"America/Nome",
        "-39698,-39600,-36000,-32400,-28800,46702;F-303q0hfA+us8kg1B+1703t7uC1qcr4BbqbrsC7vs4B7vvsC7vs4B7vvsC89n4B7vv"
        "sC7vs4B7vvsC7vs4B32fsCctc4B57csCaof4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7"
        "m4sC89n4D7vs4E7vs4D7vvsE7vs4D7vvsE7vs4D72esE8td4D72esE9784D6ojsE9784D6ojsE9784D72esE8td4D72esE8td4D72esE9784"
        "D6ojsE9784D6ojsE9784D72esE8td4D72esE8td4D72esE8td4D72esE9784D6ojsE9784D6ojsE9784D72esE8td4D72esE8td4D72esE97"
        "84D6ojsE9784D6ojsE9784D5r2sE;AKST9AKDT,M3.2.0,M11.1.0"},
    {"America/Noronha",
        "-7780,-7200,-3600;A-1klb6ksB+gm9ljcC7tqgB846sC7t24B8bh9sC5v80Ba210C5a34Ban5sC5bg4Ban5sC3ug4B5ctksC3kl4BeohsC"
        "2ka4Ban5sC3ui0Baoh0C58m4BaoisC5a34B8rlcsC5qv4B9r1sC4te4Bb3qsC4jj4Bb2dsC4jj4Bbc8sC5794B4qnesC6el4B9r1sC9p4Bfv"
        "tsC5h44B;<-02>2"},
    {"America/North_Dakota/Beulah",
        "-25200,-24427,-21600;B-2gvnsqgAh7h88C9784A6ojsC9784Ab5pnsC1qcr4Aaqc3sC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vv"
        "sC89n4A7vvsC7vs4A7vvsC7vs4A32fsCctc4A57csCaof4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7"
        "vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4"
        "A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8t"
        "d4A72esC9784A6ojsC9784A6ojsC9784A5r2sCaek4A5h7sCaek4A5h7sCaek4A5r2sC;CST6CDT,M3.2.0,M11.1.0"},
    {"America/North_Dakota/Center",
        "-25200,-24312,-21600,-18000;B-2gvnsqgAh7h88C9784A6ojsC9784Ab5pnsC1qcr4Aaqc3sC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7"
        "vs4A7vvsC89n4A7vvsC7vs4A7vvsC7vs4A32fsCctc4A57csCaof4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvs"
        "C7vs4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72"
        "esCfvq4D9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD"
        "8td4C72esD9784C6ojsD9784C6ojsD9784C5r2sD;CST6CDT,M3.2.0,M11.1.0"},
    {"America/North_Dakota/New_Salem",
        "-25200,-24339,-21600,-18000;B-2gvnsqgAh7h88C9784A6ojsC9784Ab5pnsC1qcr4Aaqc3sC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7"
        "vs4A7vvsC89n4A7vvsC7vs4A7vvsC7vs4A32fsCctc4A57csCaof4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvs"
        "C7vs4A7vvsC89n4A7m4sC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72"
        "esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A72esC8td4A"
        "72esCfvq4D9784C6ojsD9784C6ojsD9784C5r2sD;CST6CDT,M3.2.0,M11.1.0"},
    {"America/Nuuk", "=America/Godthab"},
    {"America/Ojinaga",
        "-25200,-25060,-21600,-18000;B-1d4i5sgA2n8q0C1n3c4A79fsC6og4A81csC103gvsD8td4C72esD8td4CfvtsA72esC9784A6ojsC9"
        "784A89qsC6el4A89qsC8td4A72esC8td4A72esC9784A6ojsC9784A6ojsC9784A6ojsC9784A72esC8td4A72esC8td4A64tsCaek4A5h7s"
        "Caek4A5h7sCaek4A5h7sCaek4A5h7sCaek4A5h7sCaek4A5r2sCaek4A5h7sCaek4A5h7sCaek4A5h7sCaek4A5h7sCaek4A5r2sCaek4A5h"
        "7sC;CST6CDT,M3.2.0,M11.1.0"},
    {"America/Panama", "=America/Atikokan"},
    {"America/Pangnirtung", "=America/Iqaluit"},
    {"America/Paramaribo", "-13252,-13240,-13236,-12600,-10800;B-1nfksa8A+mi9f8cC+a3fo7gD+14lo184E;<-03>3"},
    {"America/Phoenix", "=America/Creston"},
    {"America/Port-au-Prince",
        "-18000,-17360,-17340,-14400;B-2b7ho5gC+peeklcA117sjrD7m14A7vvsD7vs4A7vvsD7vs4A7vvsD7vs4A7vvsD7vs4A72goD97a0A"
        "6oi0D97a0A6oi0D97a0A72d0D8tf0A72d0D8tf0A72d0D97a0A6oi0D97a0A6oi0D97a0A72d0D8tf0A72d0D8tf0A3nba4D9784A6ojsD97"
        "84A2m4dkDaek4A5h7sDaek4A5h7sDaek4A5h7sDaek4AlqusD;EST5EDT,M3.2.0,M11.1.0"},
    {"America/Port_of_Spain", "=America/Anguilla"},
    {"America/Porto_Acre",
        "-18000,-16272,-14400;B-1klaubgA+gm9nrgC7tqgA846sC7t24A8bh9sC5v80Aa210C5a34Aan5sC5bg4Aan5sC3ug4A5ctksC3kl4Aeo"
        "hsC2ka4Aan5sC3ui0Aaoh0C58m4AaoisC5a34A8rlcsC5qv4A9r1sC4te4Ab3qsC4jj4Aa72osC2mb74A;<-05>5"},
    {"America/Porto_Velho",
        "-15336,-14400,-10800;A-1klav8oB+gm9l88C7tqgB846sC7t24B8bh9sC5v80Ba210C5a34Ban5sC5bg4Ban5sC3ug4B5ctksC3kl4Beo"
        "hsC2ka4Ban5sC3ui0Baoh0C58m4BaoisC5a34B8rlcsC5qv4B9r1sC4te4Bb3qsC4jj4B;<-04>4"},
    {"America/Puerto_Rico", "=America/Anguilla"},
    {"America/Punta_Arenas",
        "-18000,-17020,-16965,-14400,-10800;B-2b7hog4C+iqiaa9A+62p7gbC+21vvblD+o73nrC+7ls1g5D+hhhbrA6n6sD9a24A6n6sD9a"
        "24A6n6sD9a24A6n6sD9bf4A6n6sD4se64A2lqsD2as64A27n0Daobc0E6el4DaensE5h44D8jlsE6og4D97bsE6og4D9h6sE6el4D8tgsE72"
        "b4D9h6sE6el4D9h6sE6og4D97bsE6og4D97bsE6og4D9h6sE6el4D9h6sE6el4D9h6sE6og4D97bsE6og4D97bsE6og4D97bsE6og4D9h6sE"
        "6el4D9h6sE6el4D9h6sE7vs4D7vvsE6og4D97bsE6og4D9h6sE6el4D89qsE7m14D9h6sE6og4D97bsE6og4D97bsE6og4D97bsE6og4D9h6"
        "sE6el4D9h6sE7c64D8jlsE6og4D8jlsE89n4D89qsE6og4D9h6sE6el4D9h6sE6el4D9h6sE6el4D9h6sE6og4D97bsE6og4D97bsE6og4D9"
        "h6sE6el4D9h6sE7c64D8jlsE6og4D97bsE7m14D89qsE9784D4jmsEb2a4D5h7sEaek4D5r2sEa4p4D5r2sEr264D400sE;<-03>3"},
    {"America/Rainy_River",
        "-23316,-21600,-18000;A-2dhmjrcB+r1qiqcC6el4Bp7bkC8ji4B99opsC5qv4B265qsC1qcr4B9r1sC6og4B8jlsC6og4B97bsC6og4B9"
        "7bsC6og4B9ijsC6lm4B98osC6og4B97bsC6og4B97bsC6og4B97bsC6og4B97bsC6og4B9h6sC6og4B97bsC6og4B97bsC6og4B97bsC7vs4"
        "B7vvsC6og4B19gusC6el4B19gusC89p0B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C89p0B7vu0C7vu0B7vu0C7vu0B7vu0C"
        "7vu0B7vu0C7vu0B7vu0C89p0B7m30C89p0B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C89p0B7m30C89p0B7vu0C7vu0B7vu"
        "0C7vu0B7vu0C7vu0B72d0C8tf0B72d0C97a0B6oi0C97a0B6oi0C97a0B72d0C8tf0B72d0C8tf0B72d0C97a0B6oi0C97a0B6oi0C97a0B7"
        "2d0C8tf0B72d0C8tf0B72d0C8tf0B72d0C97a0B6oi0C97a0B6oi0C97a0B72d0C8tf0B72d0C8tf0B72d0C97a0B6oi0C97a0B6oi0C9784"
        "B5r2sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h7sCae"
        "k4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sC;EST5"},
    {"America/Rankin_Inlet",
        "-21600,-18000,0;C-c774g0A7m0l0B7vs4A7vvsB7vs4A7vvsB7vs4A7vvsB7vs4A7vvsB89n4A7m4sB89n4A7vvsB7vs4A7vvsB7vs4A7v"
        "vsB7vs4A7vvsB7vs4A7vvsB89n4A7m4sB89n4A7vvsB7vs4A7vvsB7vs4A7vvsB7vs4A72esB8td4A72esB9784A6ojsB9784A6ojsB9784A"
        "72esB8td4A72esB8td4A72esB9784A6ojsB9784A6ojsB9784A72esB8td4A72esB8td4A72esB8td4A72esB9784A6ojsBp744A72esB8td"
        "4A72esB8td4A72esB9784A6ojsB9784A6ojsB9784A5r2sB;CST6CDT,M3.2.0,M11.1.0"},
    {"America/Recife",
        "-10800,-8376,-7200;B-1klb628A+gm9oh8C7tqgA846sC7t24A8bh9sC5v80Aa210C5a34Aan5sC5bg4Aan5sC3ug4A5ctksC3kl4Aeohs"
        "C2ka4Aan5sC3ui0Aaoh0C58m4AaoisC5a34A8rlcsC5qv4A9r1sC4te4Ab3qsC4jj4Ab2dsC4jj4Abc8sC5794A4qnesC6el4A9r1sC9p4Af"
        "vtsC5h44A;<-03>3"},
    {"America/Regina",
        "-25200,-25116,-21600;B-1sg4r74A+brm73kC8ji4A5os14C6og4A97bsC6og4A97bsC6og4A9h6sC6el4A9h6sC6og4A189isC7vs4A7v"
        "vsC7m14A89qsC7vs4A89qsC7vs4A7vvsC7vs4A58tkC1qcr4A8jlsC7vs4A8jlsC6og4A97bsC6og4A97bsC6og4A9h6sC6el4A9h6sC6og4"
        "A97bsC6og4A97bsC6og4A97bsC6og4A97bsC6og4A9h6sC6og4A97bsC6og4Ap77sC7vs4A7vvsC;CST6"},
    {"America/Resolute",
        "-21600,-18000,0;C-l08vk0Acbtc0B7vs4A7vvsB7vs4A7vvsB7vs4A7vvsB7vs4A7vvsB89n4A7m4sB89n4A7vvsB7vs4A7vvsB7vs4A7v"
        "vsB7vs4A7vvsB7vs4A7vvsB89n4A7m4sB89n4A7vvsB7vs4A7vvsB7vs4A7vvsB7vs4A72esB8td4A72esB9784A6ojsB9784A6ojsB9784A"
        "72esB8td4A72esB8td4A72esB9784A6ojsB9784A6ojsB9784A72esB8td4A72esB8td4A72esB8td4A72esB9784A6ojsBp744A72esB8td"
        "4A72esB8td4A72esB9784A6ojsB9784A6ojsB;CST6CDT,M3.2.0,M11.1.0"},
    {"America/Rio_Branco", "=America/Porto_Acre"},
    {"America/Rosario", "=America/Argentina/Cordoba"},
    {"America/Santa_Isabel", "=America/Ensenada"},
    {"America/Santarem",
        "-14400,-13128,-10800;B-1klb1doA+gm9nd8C7tqgA846sC7t24A8bh9sC5v80Aa210C5a34Aan5sC5bg4Aan5sC3ug4A5ctksC3kl4Aeo"
        "hsC2ka4Aan5sC3ui0Aaoh0C58m4AaoisC5a34A8rlcsC5qv4A9r1sC4te4Ab3qsC4jj4Aa72osC;<-03>3"},
    {"America/Santiago",
        "-18000,-16965,-14400,-10800;B-1ocve5rA+62p7gbB+21vvblC+o73nrB+7ls1g5C+hhhbrA6n6sC9a24A6n6sC9a24A6n6sC9a24A6n"
        "6sC9bf4A6n6sC4se64A2lqsC1vei4D1v74C9ecsA27n0Caobc0D6el4CaensD5h44C8jlsD6og4C97bsD6og4C9h6sD6el4C8tgsD72b4C9h"
        "6sD6el4C9h6sD6og4C97bsD6og4C97bsD6og4C9h6sD6el4C9h6sD6el4C9h6sD6og4C97bsD6og4C97bsD6og4C97bsD6og4C9h6sD6el4C"
        "9h6sD6el4C9h6sD7vs4C7vvsD6og4C97bsD6og4C9h6sD6el4C89qsD7m14C9h6sD6og4C97bsD6og4C97bsD6og4C97bsD6og4C9h6sD6el"
        "4C9h6sD7c64C8jlsD6og4C8jlsD89n4C89qsD6og4C9h6sD6el4C9h6sD6el4C9h6sD6el4C9h6sD6og4C97bsD6og4C97bsD6og4C9h6sD6"
        "el4C9h6sD7c64C8jlsD6og4C97bsD7m14C89qsD9784C4jmsDb2a4C5h7sDaek4C5r2sDa4p4C5r2sDr264C400sDbvr4C400sDbvr4C400s"
        "Daek4C6ojsD9784C6ojsD9784C6ojsD9784C72esD8td4C;<-04>4<-03>,M9.1.6/24,M4.1.6/24"},
    {"America/Santo_Domingo",
        "-18000,-16800,-16776,-16200,-14400;C-2b7honoB+18lg9aoAgquv4E5a34A1algsD55t2AapuuD3qa2AcfcuD3j92AcciuD3m32Ac9"
        "ouD3ng2Ac8buEd1e0sA1h70E;AST4"},
    {"America/Sao_Paulo",
        "-11188,-10800,-7200;A-1klb3acB+gm9lpcC7tqgB846sC7t24B8bh9sC5v80Ba210C5a34Ban5sC5bg4Ban5sC3ug4B5arhsC5mo4Beoh"
        "sC2ka4Ban5sC3ui0Baoh0C58m4BaoisC5a34B8rlcsC5qv4B9r1sC4te4Bb3qsC4jj4Bb2dsC4jj4Bbc8sC5794Bb2dsC5794BaoisC4te4B"
        "bc8sC49o4Bbc8sC5h44BaensC5h44BaensC5794BaensC5qv4Ba69sC6d84B9r1sC5qv4B9r1sC6el4B9r1sC5qv4BaensC5h44Bbc8sC4jj"
        "4BaoisC5794Bbf2sC4qk4BaensC5h44Bbc8sC4te4Ba4ssC5h44BaoisC5794BaoisC5h44BaensC5h44BaensC5qv4BaensC5794BaoisC5"
        "794BaoisC5h44BaensC5h44BaensC5h44BaensC5h44Bbc8sC4jj4B;<-03>3"},
    {"America/Scoresbysund",
        "-7200,-5272,-3600,0;B-1i7vcv8A+1rsq8h8C7m30A7vq8D7vs4C7vu0D7vu0C7vu0D7vu0C7vu0D89p0C7vu0D7vu0C7vu0D7vu0C7vu0"
        "D7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D89p0C7vu0D7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D7vu0C89p0D97a0C6oi0D97a0C6o"
        "i0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C6oi0D97a0C6oi0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C6en0D9h50C6oi0D97a0C"
        "6oi0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C6oi0D97a0C6oi0D97a0C6oi0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C6oi0D97a"
        "0C6oi0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C;<-02>2<-01>,M3.5.0/-1,M10.5.0/0"},
    {"America/Shiprock", "=America/Denver"},
    {"America/Sitka",
        "-32473,-32400,-28800,-25200,53927;E-303q0hfAgf2beC+1703po7D1qcr4CbqbrsD7vs4C7vvsD7vs4C7vvsD89n4C7vvsD7vs4C7v"
        "vsD7vs4C32fsDctc4C57csDaof4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD89n4C7m4sD89n4B"
        "801oC7vs4B7vvsC7vs4B7vvsC7vs4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC978"
        "4B6ojsC9784B72esC8td4B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9"
        "784B6ojsC9784B5r2sC;AKST9AKDT,M3.2.0,M11.1.0"},
    {"America/St_Barthelemy", "=America/Anguilla"},
    {"America/St_Johns",
        "-12652,-12600,-9052,-9000,-5400;A-1hj17fkC73o4A95usC8ji4A8cf8C4b54Abj9sC7vs4A7vvsC7vs4A89qsC7m14A89qsC7m14A8"
        "9qsC7m14A89qsC7m14A89qsC7vs4A7vvsC7vs4A89qsC7m14A89qsC7m14A89qsC7m14A89qsC7m14A89qsC7vs4A89qsC7m14A89qsC7m14"
        "A6lroB+31e9sD7m14B8jnoD6el4B9h6sD6el4B9h6sD6el4B9r1sD64q4B9r1sD6el4B9h6sD6el4B9h6sD1mcvsB9r1sD6el4B9h6sD6el4"
        "B9h6sD6el4B9h6sD6el4B9r1sD6el4B8tgsD6og4B97bsD6og4B97bsD6og4B97bsD6og4B97bsD6og4B9h6sD6og4B97bsD6og4B97bsD6o"
        "g4B97bsD6og4B97bsD89n4B7vvsD7vs4B7vvsD7vs4B7vvsD7vs4B7vvsD7vs4B7vvsD89n4B7m4sD89n4B7vvsD7vs4B7vvsD7vs4B7vvsD"
        "7vs4B7vvsD7vs4B7vvsD89n4B7vvsD7vs4B7vvsD7vs4B7vvsD7vs4B7vvsD7vs4B7vvsD89n4B7m4sD89n4B7vvsD7vs4B7vvsD7vs4B7vv"
        "sD7vs4B7vvsD7vs4B7vvsD89n4B7m4sD89n4B7vvsD7vs4B7vvsD7vs4B7vvsD7vs4B72b5D8td4B72esE9768B6oloD9784B6ojsD9784B7"
        "2esD8td4B72esD8td4B72esD9784B6ojsD9784B6ojsD9784B72esD8td4B72esD8td4B72esD8td4B72esD9784B6ojsD9784B6ojsD9784"
        "B72esD8td4B72esD8td4B72esD9784B6ojsD9784B6ojsD9784B5r2sDaek4B5h7sDaek4B5h7sDaek4B5r2sDaek4B5h7sD;NST3:30NDT,"
        "M3.2.0,M11.1.0"},
    {"America/St_Kitts", "=America/Anguilla"},
    {"America/St_Lucia", "=America/Anguilla"},
    {"America/St_Thomas", "=America/Anguilla"},
    {"America/St_Vincent", "=America/Anguilla"},
    {"America/Swift_Current",
        "-25880,-25200,-21600;A-1sg4qf8B+brm6boC8ji4BblpjsC1qcr4B97bsC7c64B8jlsC6og4B97bsC6og4B97bsC6og4B3pq5sC7vs4Bn"
        "vrsC7vs4B7vvsC6og4B9h6sC6el4B5a3ksC;CST6"},
    {"America/Tegucigalpa", "-21600,-20932,-18000;B-1dr7d5sA+1u4t4csC6el4A9h6sC6el4A8qmesC41a4A;CST6"},
    {"America/Thule",
        "-16508,-14400,-10800;A-1i7v204B+267a0n4C7vs4B7vvsC7vs4B89qsC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72e"
        "sC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B5r2sC;AST4ADT,M3.2.0,"
        "M11.1.0"},
    {"America/Thunder_Bay", "=America/Montreal"},
    {"America/Tijuana", "=America/Ensenada"},
    {"America/Toronto", "=America/Montreal"},
    {"America/Tortola", "=America/Anguilla"},
    {"America/Vancouver",
        "-29548,-28800,-25200;A-2gs528kB+107mhlkC8ji4BblpjsC1qcr4B97bsC6og4B97bsC6og4B97bsC6og4B97bsC6og4B9h6sC6el4B9"
        "h6sC6og4B97bsC6og4B97bsC6og4B97bsC6og4B97bsC6og4B9h6sC6og4B97bsC6og4B97bsC6og4B97bsC6og4B97bsC6og4B9h6sC6el4"
        "B9h6sC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7vvsC7v"
        "s4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC"
        "89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6oj"
        "sC9784B6ojsC9784B72esC8td4B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6"
        "ojsC9784B6ojsC9784B5r2sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4"
        "B5r2sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5r2sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sCaek4B5h7sC;M"
        "ST7"},
    {"America/Virgin", "=America/Anguilla"},
    {"America/Whitehorse",
        "-32412,-32400,-28800,-25200;A-217itb4B+gj4g8kC8ji4B97bsC70qcBb5hdkC1qcr4B9q2d4D89p0B57b0C73aisD7vs4C7vvsD7vs"
        "4C7vvsD89n4C7m4sD89n4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8"
        "td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72esD8td4C72esD8td4C72esD9784C6ojsD9784C6ojsD9784C72esD8td4C72es"
        "D8td4C72esD9784C6ojsD9784C6ojsD9784C5r2sDaek4C5h7sDaek4C5h7sDaek4C5r2sDaek4C5h7sDaek4C5h7sDaek4C5h7sDaek4C5h"
        "7sDaek4C5h7sDaek4C5r2sDaek4C5h7sDaek4C5h7sDaek4C5h7sDaek4C5h7sD;MST7"},
    {"America/Winnipeg", "=America/Rainy_River"},
    {"America/Yakutat",
        "-33535,-32400,-28800,52865;D-303q0hfA+us8efeB+1703s7hC1qcr4BbqbrsC7vs4B7vvsC7vs4B7vvsC89n4B7vvsC7vs4B7vvsC7v"
        "s4B32fsCctc4B57csCaof4B7vvsC89n4B7m4sC89n4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC7vs4B7vvsC89n4B7m4sC89n4B7vvsC"
        "7vs4B7vvsC7vs4B7vvsC7vs4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6oj"
        "sC9784B72esC8td4B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6ojsC9784B72esC8td4B72esC8td4B72esC9784B6ojsC9784B6"
        "ojsC9784B5r2sC;AKST9AKDT,M3.2.0,M11.1.0"},
    {"America/Yellowknife", "=America/Edmonton"},
    {"Antarctica/Casey",
        "0,28800,39600;A-u2cs0BkeoooC61scBqenkC54f4B2as64Cm66sB97fkC725gB8qqkC6r6cB97a1C727bB8tklC727bB8tklC6u5vB;<+0"
        "8>-8"},
    {"Antarctica/Davis", "0,18000,25200;A-c67g00C3t5vsA248a4Ckdd7kB6ahsCq624B54isC;<+07>-7"},
    {"Antarctica/DumontDUrville", "35312,35320,36000;B-2kkj9foA+e3eik8C;<+10>-10"},
    {"Antarctica/Macquarie",
        "0,36000,39600;A-21vlqg0B8ffb0C7m30B10c98Aeh74oB9p8m0C7vu0B97a0C5r10Ba4r0C5r10Ba4r0C64s0Ba4r0C57b0Baoh0C5h60B"
        "aem0C5h60Baem0C5h60Baem0C5r10Baem0C5h60Baem0C5h60Baem0C5h60Baem0C5h60Baem0C5h60Baem0C6oi0B9h50C6en0B9h50C5h6"
        "0Baem0C5h60Baem0C5h60Ba4r0C6en0B9r00C6en0B9r00C64s0B9r00C64s0B9r00C6oi0B89p0C7m30B89p0C7m30B89p0C7m30B89p0C7"
        "m30B89p0C7vu0B89p0C7m30B89p0C7m30B89p0C7m30B89p0C7m30B6oi0C97a0B8jk0C7m30B89p0C7m30B89p0C7m30B89p0C7m30B89p0"
        "C7vu0B7vu0C7m30B8jk0C7vu0B7vu0C7vu0B7vu0C;AEST-10AEDT,M10.1.0,M4.1.0/3"},
    {"Antarctica/Mawson", "0,18000,21600;A-etvjc0Crtl8gB;<+05>-5"},
    {"Antarctica/McMurdo",
        "41400,41944,43200,45000,46800;B-2v4hcqoA+1nfqpi0D5794A9r1sC6oh2A97auC6oh2A97auC6oh2A97auC72c2A8tfuC72c2A8tfu"
        "C8te2A6oiuC9792A6oiuC9792A6oiuC9792A6oiuC9792A6oiuC9h42A6enuC9h42A6oiuCh3802E4tg0Caoh0E5r10Caem0E5h60Caem0E5"
        "h60Caem0E5h60Caem0E5h60Caem0E5h60Caem0E5r10Caem0E5h60Caem0E5h60Caem0E5h60Caem0E5h60Caem0E5h60Caem0E5r10Caem0"
        "E5h60C9h50E72d0C8tf0E72d0C8tf0E72d0C8tf0E7c80C8jk0E7c80C8jk0E7c80C8jk0E7c80C8tf0E72d0C8tf0E72d0C8tf0E7c80C8j"
        "k0E7c80C8jk0E7c80C8tf0E72d0C8tf0E72d0C8tf0E7c80C8jk0E7c80C8jk0E7c80C8jk0E7c80C8jk0E;NZST-12NZDT,M9.5.0,M4.1."
        "0/3"},
    {"Antarctica/Palmer",
        "-14400,-10800,-7200,0;D-4meko0B2j4kAa0lsB60j4Aa0lsB7dj4A7vvsB89n4A7vvsB7vs4A7vvsB25154C49o4B40d3sA73rsB6og4A"
        "97bsB6og4A9h6sB6el4A9h6sB6el4A9h6sB7vs4A7vvsB6og4A97bsB6og4A9h6sB6el4A89qsB7m14A9h6sB6og4A97bsB6og4A97bsB6og"
        "4A97bsB6og4A9h6sB6el4A9h6sB7c64A8jlsB6og4A8jlsB89n4A89qsB6og4A9h6sB6el4A9h6sB6el4A9h6sB6el4A9h6sB6og4A97bsB6"
        "og4A97bsB6og4A9h6sB6el4A9h6sB7c64A8jlsB6og4A97bsB7m14A89qsB9784A4jmsBb2a4A5h7sBaek4A5r2sBa4p4A5r2sBr264A400s"
        "B;<-03>3"},
    {"Antarctica/Rothera", "-10800,0;B+6g4b80A;<-03>3"},
    {"Antarctica/South_Pole", "=Antarctica/McMurdo"},
    {"Antarctica/Syowa", "10800,11212;B-le9iacA;<+03>-3"},
    {"Antarctica/Troll", "0;A;<+00>0<+02>-2,M3.5.0/1,M10.5.0/3"},
    {"Antarctica/Vostok", "0,18000,25200;A-baetk0Ci3sesAc0a4CejgpkB;<+05>-5"},
    {"Arctic/Longyearbyen",
        "3208,3600,7200,10800;A-285r7g8B+lmjdb8C6n6sB8l4oC6oi0B97a0C6oi0Bapoc0C19gt0B6en0C89p0B7vu0C7vu0B7vu0C2924D5c"
        "v0C2dcsB6en0C7ng0B7uisC1h54D24r4C49rsB8jk0C7c80B89p0C7m30Bf9n80C7m30B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C89p0"
        "B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C89p0B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C7vu0B7vu0C7v"
        "u0B89p0C;CET-1CEST,M3.5.0,M10.5.0/3"},
    {"Asia/Aden", "=Antarctica/Syowa"},
    {"Asia/Almaty",
        "18000,18468,21600,25200;B-1aud114A+5oksqkCpf1l4D8194C7vvsD8194C7vvsD8194C81csD801oC7vu0D7vu0C7vu0D7vu0C7vu0D"
        "7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D89p0CfvtsA4tg0C32c4D7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D7vu0C89p0D97a0C6oi0D97a0C6oi"
        "0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C6oi0D97a0C6oi0D97a0C6oi0D9h50C9m9d8A;<+05>-5"},
    {"Asia/Amman",
        "7200,8624,10800;B-14loa9gA+17st8ogC54f4A9a5sC6n34A9a5sC6n34A9bisC82m4A7uisC6n34A98osC6n34A38bssC8194A846sC7v"
        "s4A7vvsC7vs4A7vvsC89n4A9bisC6k94A8tgsC72b4A8grsC7554A8jlsC7m14A7vvsC7vs4A7vvsC7c64A8tgsC72d0A8tf0C7c80A8jk0C"
        "7c80A8jk0C7c80Aci60C3nh0A88c0C81b0A7uh0C81b0A7vu0C7vu0A7vu0C97a0A6oi0C8tf0A7c80C7vu0A7vu0C97a0A6oi0C97a0A6oi"
        "0C9h50A6en0C9h50A6en0C9h50A6oi0C97a0A6oi0Crls4A49rsC9h50A6en0C9h50A6oi0C97a0A6oi0C97a0A6oi0C97a0A6oi0C97a0A6"
        "oi0C9h50A6en0C9h50A57b0C;<+03>-3"},
    {"Asia/Anadyr",
        "39600,42596,43200,46800,50400;B-1audoj4C+5okrp4Dpf1l4E8194Dg1asC7vvsD8194C81csD801oC7vu0D7vu0C7vu0D7vu0C7vu0"
        "D7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D89p0CfvtsA4tg0C32c4D7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D7vu0C89p0D97a0C6oi0D97a0C6o"
        "i0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C6oi0D97a0C6oi0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C6en0D9h50C6oi0D97a0C"
        "6oi0D97a0Cg9osA6en0C;<+12>-12"},
    {"Asia/Aqtau",
        "12064,14400,18000,21600;A-1aucqp0B+5okq30Cpn304Dg174C7vvsD8194C81csD801oC7vu0D7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D"
        "7vu0C7vu0D7vu0C7vu0D89p0CfvtsB4tg0C32c4D7vu0C7vu0D7vu0C7vu0D7vu0B7vvsC7vu0B89p0C97a0B6oi0C97a0B6oi0C97a0B6oi"
        "0C9h50B6en0C9h50B6en0C9h50B6oi0C97a0B6oi0C97a0B6oi0C;<+05>-5"},
    {"Asia/Aqtobe",
        "13720,14400,18000,21600;A-1aucscoB+5okrmoCpf1l4Do2i4C7vvsD8194C81csD801oC7vu0D7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D"
        "7vu0C7vu0D7vu0C7vu0D89p0CfvtsB4tg0C32c4D7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D7vu0C89p0D97a0C6oi0D97a0C6oi0D97a0C6oi"
        "0D9h50C6en0D9h50C6en0D9h50C6oi0D97a0C6oi0D97a0C6oi0D9h50C;<+05>-5"},
    {"Asia/Ashgabat",
        "14012,14400,18000,21600;A-1aucslsB+5okrvsCpf1l4D8194C7vvsD8194C7vvsD8194C81csD801oC7vu0D7vu0C7vu0D7vu0C7vu0D"
        "7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D89p0CfvtsB4tg0C;<+05>-5"},
    {"Asia/Ashkhabad", "=Asia/Ashgabat"},
    {"Asia/Atyrau",
        "10800,12464,14400,18000,21600;B-1aucr5gA+5oku00Dpn2u8Eg174D7vvsE8194D81csE801oD7vu0E7vu0D7vu0E7vu0D7vu0E7vu0"
        "D7vu0E7vu0D7vu0E7vu0D7vu0E89p0DfvtsC4tg0D32c4E7vu0D7vu0E7vu0D7vu0E7vu0D7vu0E7vu0D89p0E97a0D6oi0E97a0D6oi0E97"
        "a0Dg9osC6en0D9h50C6en0D9h50C6oi0D97a0C6oi0D97a0C6oi0D;<+05>-5"},
    {"Asia/Baghdad",
        "10656,10660,10800,14400;B-2b7ijh4A+qaj2o4C+1sg0argD6n34C7uisD82m4C81csD8194C7vvsD7uisC7vu0D7vu0C7vu0D7vu0C7v"
        "u0D7vu0C7vu0D7vu0C7vu0D89p0C81eoD81b0C81b0D81b0C7vu0D81b0C7vu0D81b0C7vu0D81b0C81b0D81b0C7vu0D81b0C7vu0D81b0C"
        "7vu0D81b0C81b0D81b0C7vu0D81b0C7vu0D81b0C7vu0D81b0C81b0D81b0C7vu0D81b0C7vu0D81b0C7vu0D81b0C;<+03>-3"},
    {"Asia/Bahrain", "10800,12368,14400;B-1f0qomgC+1h9ftcgA;<+03>-3"},
    {"Asia/Baku",
        "10800,11964,14400,18000;B-1aucqlsA+us0tocCc2in4D8194C7vvsD8194C7vvsD8194C81csD801oC7vu0D7vu0C7vu0D7vu0C7vu0D"
        "7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D89p0CfvtsA7vu0C209eoD97a0C6og4D97a0C6oi0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C6o"
        "i0D97a0C6oi0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C6en0D9h50C6oi0D97a0C6oi0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C"
        "6oi0D97a0C6oi0D97a0C6oi0D97a0C;<+04>-4"},
    {"Asia/Bangkok", "24124,25200;A-1epb61sB;<+07>-7"},
    {"Asia/Barnaul",
        "20100,21600,25200,28800;A-1f2l0g4B590d7Cpf1l4D8194C7vvsD8194C7vvsD8194C81csD801oC7vu0D7vu0C7vu0D7vu0C7vu0D7v"
        "u0C7vu0D7vu0C7vu0D7vu0C7vu0D89p0CfvtsB4tg0C32c4D7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D2odcC57igB89p0C97a0B6oi0C97a0B"
        "6oi0C97a0B6oi0C9h50B6en0C9h50B6en0C9h50B6oi0C97a0B6oi0C97a0B6oi0C9h50B6en0C9h50B6en0C9h50B6en0C9h50B6oi0C97a"
        "0B6oi0C97a0B6oi0C9h50B6en0C1pgn4BmofsC;<+07>-7"},
    {"Asia/Beirut",
        "7200,8520,10800;B-2kkifa8Ak5q8mC98l4A711sC8194A7knsC8ji4A8jlsC6el4Agrm6sC6n34A9a5sC6n34A9a5sC6n34A9bisC6n34A"
        "9a5sC6n34A5c4asC4dv4A9a5sC6n34A9a5sC6n34A9a5sC6n34A9bisC6n34A9a5sC6n34A98osC6n34A2pkpsC7c64A8l2sC7c64A8l2sC7"
        "c64A8l2sC7c64Aa22sC60j4A91nsC6vh4A8l2sC7c64A8l2sC7c64A8mfsC6ra4A7m4sC7vs4A7vvsC7vs4A7vvsC7vs4A89qsC7vs4A7vvs"
        "C7vs4A7vvsC7vs4A7vvsC;EET-2EEST,M3.5.0/0,M10.5.0/0"},
    {"Asia/Bishkek",
        "17904,18000,21600,25200;A-1aud0fgB+5oks90Cpf1l4D8194C7vvsD8194C7vvsD8194C81csD801oC7vu0D7vu0C7vu0D7vu0C7vu0D"
        "7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D89p0Cen30B9sb4C7c64B8jlsC7c64B8jlsC7c64B8jlsC7c64B8jlsC7m14B804iC9784B6ojsC978"
        "4B6ojsC9h34B6eosC9h34B6eosC9h34B6ojsC9784B6ojsC9784B6ojsC9h34B6eosC;<+06>-6"},
    {"Asia/Brunei",
        "26480,27000,28800,30000,32400;A-197bubgB+6dqg7oC1bah2D3vucCc2nkD3vucCc1akD3vucCc1akD3vucCc1akD3vucCc2nkD3vuc"
        "Cc1akD3vucC2q0kE1p9m4C;<+08>-8"},
    {"Asia/Calcutta", "19270,19800,21200,21208,23400;D-3ckbpuoC+eirko8A+11rbkcaB+11jrjreE9to4B4pasE1i324B;IST-5:30"},
    {"Asia/Chita",
        "27232,28800,32400,36000;A-1f281j0B+9sfir0Cpf1l4D8194C7vvsD8194C7vvsD8194C81csD801oC7vu0D7vu0C7vu0D7vu0C7vu0D"
        "7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D89p0CfvtsB4tg0C32c4D7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D7vu0C89p0D97a0C6oi0D97a0C6oi"
        "0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C6oi0D97a0C6oi0D97a0C6oi0D9h50C6en0D9h50C6en0D9h50C6en0D9h50C6oi0D97a0C6"
        "oi0D97a0C6oi0D9h50C6en0D1pgn4BmohoC;<+09>-9"},
    {"Asia/Choibalsan",
        "25200,25652,28800,32400;B-1sio4dkA+243fri4C2k6a4D8194C81csD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvs"
        "D7vs4C7vvsD89n4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C89qsD7vs4C7vvsD7vs4C7vvsD7vs4C19flkD6og4C7"
        "vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD7vs4C7vvsD89n4C488qsD7vocC803kD7vocC;<+08>-8"},
    {"Asia/Chongqing",
        "28800,29143,32400;B-20sjf6nA+h62nqnC7gd4AabnqsC5sc4A6n6sCa664A3ujsC1pi44Ab6ksC63d4A8jlsC8p64A7vvsC6n34A9a5sC"
        "15t4AigqfkC5qv4A97bsC6og4A9h6sC6el4A9h6sC6og4A97bsC6og4A97bsC6og4A;CST-8"},
    {"Asia/Chungking", "=Asia/Chongqing"},
    {"Asia/Colombo", "19164,19172,19800,21600,23400;A-2kkipmsB+oee8voC+11ronocDag22E1i4jqCpc924E6oh2D4nuquC;<+0530>-5:30"},
    {"Asia/Dacca", "19800,21200,21600,21700,23400,25200;D-2b7iua4B+1gl9vvkE+ijqj8A4pasE4hn24Csufu2F8i70C;<+06>-6"},
    {"Asia/Damascus",
        "7200,8712,10800;B-1f0ql48A+8t108C7c64A8jlsC7c64A8jlsC7c64A8jlsC7m14AjatlsC6pt4A9a5sC6lm4A9cvsC6n34A9a5sC6lm4"
        "A91nsC70u4A9a5sC6n34A9bisC6n34A9a5sC6n34A9a5sC6n34A9a5sC6n34A9bisC6n34A9a5sC6n34A9a5sC6n34A9a5sC6n34A9bisC6n"
        "34A9a5sC5ct4AakbsC5ct4A29rusC7m14A8cksC7m14Am3csCaad4A694sCan24A5v9sCa3c4A6kcsC82m4A7vvsC7vs4A8194C8194A8b7s"
        "C7ne4A7nhsC8194A88dsC8194A7vvsC8194A81csC8194A7uisC82m4A7t5sC8434A7vvsC8194A81csC8194A7vvsC8194A7vvsC8194A7v"
        "vsC8194A81csC8194A7vvsC8194A7vvsC7kk4A89qsC9h34A6ojsC98l4A6dbsC9h34A6ojsC9784A6ojsC9784A6ojsC9784A6ojsC9784A"
        "6ojsC9h34A6eosC9h34A6eosC9h34A6ojsC9784A6ojsC9784A6ojsC9784A6ojsC9h34A6eosC9h34A6eosC;<+03>-3"},
    {"Asia/Dhaka", "=Asia/Dacca"},
    {"Asia/Dili", "28800,30140,32400;B-1mhjog0Af3qo4Ch4ql0Ac77ssC;<+09>-9"},
    {"Asia/Dubai", "13272,14400;A-1f0qpioB;<+04>-4"},
    {"Asia/Dushanbe",
        "16512,18000,21600,25200;A-1aucv40B+5okqtgCpf1l4D8194C7vvsD8194C7vvsD8194C81csD801oC7vu0D7vu0C7vu0D7vu0C7vu0D"
        "7vu0C7vu0D7vu0C7vu0D7vu0C7vu0D89p0Cf3psB;<+05>-5"},
    {"Asia/Famagusta",
        "7200,8148,10800;B-1d8hoekA+1i7d4dkC7vs4A9fpsC6hf4A7knsC7m14A89qsC8194A7uisC7vs4A89qsC7m14A7vvsC7vs4A7vvsC7vs"
        "4A7vvsC7vs4A7vvsC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC89n4A7vvsC7vs4A7vvsC7vs4A7vvsC7"
        "vs4A7vvsC7vs4A7vvsC7vs4A89qsC7vs4A7vvsC7vs4A7vvsC97fkA6oi0C9h50A6en0C9h50A6en0C9h50A6oi0C97a0A6oi0C97a0A6oi0"
        "C9h50A6en0C9h50A6en0C9h50A6en0C9h50A6oi0C97a0A6oi0C97a0A6oi0C9h50A6en0C9h50A6en0C9h50A6oi0C97a0A6oi0C97a0A6o"
        "i0C97a0A6oi0Cph10A;EET-2EEST,M3.5.0/3,M10.5.0/4"},
    {"Asia/Gaza",
        "7200,8272,10800;B-2145dagA+159p12gC5bi0A2230Cvc20A6kb0C9cu0A6lo0C9cu0A79e0C8nr0A79e0C8nr0A58s38C6ae4A9a5sC6n"
        "34A9a7oC6lpsA9cs4C6lpsA9bf4C6lpsA9bf4C6lpsA9bf4C6lpsA9cs4C6lpsA9bf4C6lpsA9bf4C6n6sA9a24C1h38A3hoqsC49o4A89qs"
        "C5qv4A2f1ssC1r20A1qea0C4tg0Aa4r0C64q4Abc8sC4te4A9ldsC6k94A97bsC6el4AaensC5h44A8tgsC6og4A97bsC72b4A97bsC72b4A"
        "94hsC6ra4A94hsC6hf4A9ecsC6ra4A9ecsC7c80A8jk0C7c80A8jk0C7c80A97a0C7vs4A89qsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs"
        "4A7vvsC7c80A8jk0C7htsA7rl4C7kk4A8cksC782sA8kv4C6og4A97bsC72d0A8us1C60j3Aa7mtC5bg3AakbsC7m30A89p0C7vs4A7vvsC9"
        "784A6q0sC95t0A6q0sC9h34A6eosC9h34A6eosC9h34A6n50C98l4A6ojsC97a0A6oi0C9fo0A6hh0C9fpsA7vvsC7vs4A7m4sC89n4A7c9s"
        "C8ji4A6ojsC9784A6ojsC9h34A6eosC9h34A6eosC9h34A6ojsC9784A6ojsC9784A6ojsC9h34A6eosC9h34A6eosC9h34A6eosC9h34A6o"
        "jsC8td4A72esC8ji4A7c9sC7vs4A7vvsC7m14A89qsC72b4A24usC9p4A6ojsC6el4A1r3sCtf4A6ojsC64q4A1r3sC17a4A6ojsC5h44A24"
        "usC1h54A6ojsC5794A1r3sC2em4A6eosC4te4A1r3sC2oh4A6eosC49o4A24usC32c4A6ojsC3m24A1r3sC3m24A6ojsC32c4A24usC3vt4A"
        "6ojsC2oh4A1r3sC4te4A6eosC2em4A1r3sC5794A6eosC1r04A24usC5h44A6ojsC17a4A1r3sC64q4A6ojsCjk4A24usC6el4A6ojsC9p4A"
        "24usC6og4A8jlsC7m14A7vvsC7vs4A7c9sC8ji4A72esC8td4A6ojsC9784A6ojsC9h34A6eosC9h34A6eosC9h34A6eosC9h34A6ojsC978"
        "4A6ojsC9784A6ojsC9h34A6eosC9h34A6eosC9784A72esC8ji4A7c9sC89n4A7m4sC7m14A89qsC7c64A1r3sC9p4A6eosC72b4A1r3sCjk"
        "4A6eosC6el4A24usCtf4A6ojsC5qv4A1r3sC1h54A6ojsC5794A24usC1r04A6ojsC4te4A24usC2em4A6eosC4jj4A1r3sC32c4A6eosC3v"
        "t4A24usC3c74A6ojsC3c74A1r3sC3vt4A6ojsC32c4A1r3sC49o4A6ojsC2em4A24usC4jj4A6ojsC24r4A1r3sC5h44A6eosC1h54A24usC"
        "5qv4A6eosC17a4A24usC64q4A6ojsCjk4A1r3sC6og4A;EET-2EEST,M3.4.4/50,M10.4.4/50"},
    {"Asia/Harbin", "=Asia/Chongqing"},
    {"Asia/Hebron",
        "7200,8423,10800;B-2145df7A+159p177C5bi0A2230Cvc20A6kb0C9cu0A6lo0C9cu0A79e0C8nr0A79e0C8nr0A58s38C6ae4A9a5sC6n"
        "34A9a7oC6lpsA9cs4C6lpsA9bf4C6lpsA9bf4C6lpsA9bf4C6lpsA9cs4C6lpsA9bf4C6lpsA9bf4C6n6sA9a24C1h38A3hoqsC49o4A89qs"
        "C5qv4A2f1ssC1r20A1qea0C4tg0Aa4r0C64q4Abc8sC4te4A9ldsC6k94A97bsC6el4AaensC5h44A8tgsC6og4A97bsC72b4A97bsC72b4A"
        "94hsC6ra4A94hsC6hf4A9ecsC6ra4A9ecsC7c80A8jk0C7c80A8jk0C7c80A97a0C7vs4A89qsC7vs4A7vvsC7vs4A7vvsC7vs4A7vvsC7vs"
        "4A7vvsC7c80A8jk0C7htsA7rl4C7kk4A8cksC782sA8kv4C6sn4A934sC72d0A8tf0C6204Aa7mtC5bg3A18qsC1bh4A7vvsC7m30A89p0C7"
        "vs4A7vvsC9784A6q0sC95t0A6q0sC9h34A6eosC9h34A6eosC9h34A6n50C98l4A6ojsC97a0A6oi0C9fo0A6hh0C9fpsA7vvsC7vs4A7m4s"
        "C89n4A7c9sC8ji4A6ojsC9784A6ojsC9h34A6eosC9h34A6eosC9h34A6ojsC9784A6ojsC9784A6ojsC9h34A6eosC9h34A6eosC9h34A6e"
        "osC9h34A6ojsC8td4A72esC8ji4A7c9sC7vs4A7vvsC7m14A89qsC72b4A24usC9p4A6ojsC6el4A1r3sCtf4A6ojsC64q4A1r3sC17a4A6o"
        "jsC5h44A24usC1h54A6ojsC5794A1r3sC2em4A6eosC4te4A1r3sC2oh4A6eosC49o4A24usC32c4A6ojsC3m24A1r3sC3m24A6ojsC32c4A"
        "24usC3vt4A6ojsC2oh4A1r3sC4te4A6eosC2em4A1r3sC5794A6eosC1r04A24usC5h44A6ojsC17a4A1r3sC64q4A6ojsCjk4A24usC6el4"
        "A6ojsC9p4A24usC6og4A8jlsC7m14A7vvsC7vs4A7c9sC8ji4A72esC8td4A6ojsC9784A6ojsC9h34A6eosC9h34A6eosC9h34A6eosC9h3"
        "4A6ojsC9784A6ojsC9784A6ojsC9h34A6eosC9h34A6eosC9784A72esC8ji4A7c9sC89n4A7m4sC7m14A89qsC7c64A1r3sC9p4A6eosC72"
        "b4A1r3sCjk4A6eosC6el4A24usCtf4A6ojsC5qv4A1r3sC1h54A6ojsC5794A24usC1r04A6ojsC4te4A24usC2em4A6eosC4jj4A1r3sC32"
        "c4A6eosC3vt4A24usC3c74A6ojsC3c74A1r3sC3vt4A6ojsC32c4A1r3sC49o4A6ojsC2em4A24usC4jj4A6ojsC24r4A1r3sC5h44A6eosC"
        "1h54A24usC5qv4A6eosC17a4A24usC64q4A6ojsCjk4A1r3sC6og4A;EET-2EEST,M3.4.4/50,M10.4.4/50"},
};
