//! Imports of published results: the tallies have the sums of the file, whatever happens to the import.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::on_both;
use crate::votes::Polls;
use jornada_testkit::instance::{Installation, Stores};

on_both!(a_killed_import_goes_on_and_stores_no_vote_twice);

const PLACES: [(&str, &str); 3] = [
    ("Guatemala", "MIXCO"),
    ("Alta Verapaz", "Coban"),
    ("Petén", "San José"),
];
const PARTIES: [(&str, &str); 3] = [
    ("UNE", "UNE"),
    ("MOVIMIENTO SEMILLA", "SEMILLA"),
    ("Vamos", "VAMOS"),
];
const TABLES: u64 = 12;

/// Numbers of votes by department and party, and by table.
#[derive(Default)]
struct Sums {
    parties: BTreeMap<(String, String), u64>,
    tables: BTreeMap<String, u64>,
    total: u64,
}

/// Returns a file as the Registraduría lays it out, a line for each table and party, and its sums.
fn long_file() -> (String, Sums) {
    let mut file = "\u{feff}DEPNOMBRE;MUNNOMBRE;PUESTO;MESA;PARNOMBRE;VOTOS\r\n".to_owned();
    let mut sums = Sums::default();
    for table in 1..=TABLES {
        let (department, town) = PLACES[usize::try_from(table % 3).unwrap()];
        for (number, (published, party)) in (0..).zip(PARTIES) {
            let votes = 100 + 13 * table + 50 * number;
            write!(
                file,
                "{department};{town};X;{table};{published};{votes}\r\n"
            )
            .unwrap();
            let key = (department.to_owned(), party.to_owned());
            *sums.parties.entry(key).or_default() += votes;
            *sums.tables.entry(table.to_string()).or_default() += votes;
            sums.total += votes;
        }
        write!(file, "{department};{town};X;{table};VOTOS NULOS;9\r\n").unwrap();
    }
    (file, sums)
}

fn run(installation: &Installation, arguments: &[&str]) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = installation.command(arguments).output().unwrap();
    let text = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    (status.success(), text.concat())
}

/// Returns the two numbers of the last line of standard output: stored now, and before.
fn counts(installation: &Installation, arguments: &[&str]) -> (u64, u64) {
    let output = installation.command(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let line = text.lines().last().unwrap();
    let mut numbers = line.split(' ').filter_map(|word| word.parse().ok());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

fn values(tally: &Value) -> BTreeMap<Vec<String>, u64> {
    let values = tally["values"].as_array().unwrap().iter();
    let read = values.map(|value| {
        let key = serde_json::from_value(value["key"].clone()).unwrap();
        (key, value["count"].as_u64().unwrap())
    });
    read.collect()
}

async fn a_killed_import_goes_on_and_stores_no_vote_twice(stores: Stores) {
    let installation = Installation::new(stores);
    let election = installation.election.clone();
    let (file, sums) = long_file();
    std::fs::write(installation.folder.path().join("mmv.csv"), file).unwrap();
    let arguments = [
        "votes",
        "import",
        &election,
        "mmv.csv",
        "--delimiter",
        ";",
        "--count",
        "VOTOS",
        "--columns",
        "departamento=DEPNOMBRE,municipio=MUNNOMBRE,sede=MESA,partido=PARNOMBRE",
        "--rename",
        "partido=MOVIMIENTO SEMILLA=SEMILLA",
        "--skip",
        "partido=Votos nulos",
        "--set",
        "papeleta=Blanca",
    ];
    let mut first = installation.command(&arguments);
    let mut first = first.stderr(Stdio::piped()).spawn().unwrap();
    let mut progress = BufReader::new(first.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(" votes (") {
        line.clear();
        assert!(
            progress.read_line(&mut line).unwrap() > 0,
            "no line of progress"
        );
    }
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(
        line.starts_with(&format!("2000 of {} votes", sums.total)),
        "{line}"
    );

    let (now, before) = counts(&installation, &arguments);
    assert_eq!(now + before, sums.total);
    assert!(now > 0 && before >= 2_000, "{now} {before}");
    let mut other = arguments;
    other[arguments.len() - 1] = "papeleta=Verde";
    let (is_done, told) = run(&installation, &other);
    assert!(
        !is_done && told.contains("imported with other columns"),
        "{told}"
    );
    let audit = installation.command(&["audit", "export"]).output().unwrap();
    let audit = String::from_utf8(audit.stdout).unwrap();
    assert!(audit.contains("votes-imported"), "{audit}");

    let polls = Polls::on(installation).await;
    polls.wait_for_total("sedes", sums.total).await;
    let parties = sums.parties.into_iter();
    let parties: BTreeMap<_, _> = parties
        .map(|((place, party), count)| (vec![place, party], count))
        .collect();
    let tally = polls.tally(&election, "partidos-por-departamento").await;
    assert_eq!(values(&tally), parties);
    let top: u64 = values(&polls.tally(&election, "sedes").await)
        .values()
        .sum();
    let mut tables: Vec<_> = sums.tables.into_values().collect();
    tables.sort_unstable();
    assert_eq!(
        top,
        tables.iter().rev().take(5).sum::<u64>(),
        "the five largest tables"
    );

    let again = "DEPNOMBRE;MUNNOMBRE;MESA;PARNOMBRE;VOTOS\nPetén;San José;1;UNE;3\n";
    std::fs::write(polls.installation.folder.path().join("mmv.csv"), again).unwrap();
    let warnings = [(); 2].map(|()| {
        let (is_done, told) = run(&polls.installation, &arguments);
        assert!(is_done, "{told}");
        told.contains("the campaign has votes of another file")
    });
    assert_eq!(
        warnings,
        [true, false],
        "the first import and its repetition"
    );
}

/// One column for each party, as in the tables by municipality of an election report.
#[test]
fn a_dry_run_names_mistakes_and_prints_sums() {
    let installation = Installation::new(Stores::Embedded);
    let write = |text: &str| {
        std::fs::write(installation.folder.path().join("tse.csv"), text).unwrap();
    };
    let import = |more: &[&str]| {
        let fixed = [
            "votes",
            "import",
            &installation.election,
            "tse.csv",
            "--columns",
            "departamento=Departamento,municipio=Municipio",
            "--wide",
            "partido=UNE,\"Semilla\",VAMOS,Nulos",
            "--skip",
            "partido=nulos",
            "--set",
            "papeleta=Blanca",
        ];
        run(&installation, &[&fixed[..], more].concat())
    };
    let all = ["--set", "sede=1", "--dry-run"];
    write(
        "Departamento,Municipio,UNE,Semilla,VAMOS,Nulos\nGuatemala,Mixco,5,7,,2\nPetén,San José,0,1,3,1\n",
    );
    let (is_done, told) = import(&all);
    assert!(is_done, "{told}");
    let expected = "2 lines, 16 votes, 3 skipped\n  partido SEMILLA: 8\n  partido UNE: 5\n  partido VAMOS: 3\n";
    assert_eq!(told, expected);
    assert!(
        !installation.folder.path().join("data").exists(),
        "a dry run needs no store"
    );

    write(
        "Departamento,Municipio,UNE,Semilla,VAMOS,Nulos\nGuatemala,Mixko,5,7,,2\nPetén,Mixco,1.5,1,3,1\nNarnia,X,1\n",
    );
    let (is_done, told) = import(&all);
    let lines: Vec<_> = told.lines().collect();
    assert!(
        !is_done
            && lines[0].starts_with("line 2: municipio 'Mixko': ")
            && lines[0].contains("Mixco"),
        "{told}"
    );
    assert!(lines[0].ends_with("(2 times)"), "{told}");
    assert!(
        lines[1].starts_with("line 3: '1.5' is not a number of votes"),
        "{told}"
    );
    assert!(
        lines[2].starts_with("line 4: 3 columns instead of 6"),
        "{told}"
    );
    assert!(
        told.contains("4 counts or lines have mistakes: nothing was imported"),
        "{told}"
    );

    let (is_done, told) = import(&["--dry-run"]);
    assert!(
        !is_done && told.contains("the required field 'sede' has neither"),
        "{told}"
    );
    let (is_done, told) = import(&["--set", "sed=1", "--dry-run"]);
    assert!(
        !is_done && told.contains("no field 'sed': it has sede, departamento"),
        "{told}"
    );
    write("Depto,Municipio,UNE,Semilla,VAMOS,Nulos\n");
    let (is_done, told) = import(&all);
    assert!(
        !is_done && told.contains("no column has the heading 'Departamento': the file has 'Depto'"),
        "{told}"
    );
    write("Departamento,Municipio,UNE,Semilla,VAMOS,Nulos\n\n");
    let (is_done, told) = import(&all);
    assert!(
        !is_done && told.contains("no line after its heading"),
        "{told}"
    );
    write(
        "Departamento,Municipio,UNE,Semilla,VAMOS,Nulos\nGuatemala,\"Mixco,5,7,,2\nPetén,San José,0,1,3,1\n",
    );
    let (is_done, told) = import(&all);
    assert!(
        !is_done && told.starts_with("line 2: a quotation mark without its partner\n2 lines"),
        "{told}"
    );
}
