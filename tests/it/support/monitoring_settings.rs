//! The configuration by which a program finds a drill's metrics, alerts and error tracker.

use sopwatch_drill::Drill;
use sopwatch_drill::monitoring::MonitoringServer;

/// As a file of settings says it.
pub fn of(drill: &Drill) -> String {
    let servers = MonitoringServer::ALL.map(|server| {
        let (name, url) = (server.name(), drill.monitoring().url(server));
        let token = drill.monitoring_token_file(server);
        format!(
            "[environments.stage.{name}]\nurl = '{url}'\ntoken-file = '{}'\n",
            token.display()
        )
    });
    let (organisation, project, environment) = drill.monitoring().tracker_names();
    let tracker =
        format!("organisation = '{organisation}'\nproject = '{project}'\nenvironment = '{environment}'\n");
    servers.concat() + &tracker
}
